"""The metrics that evalkit computes itself.

To add one, write its functions and its `MetricDefinition` in a file of their own and list it in `DEFINITIONS`.
``tests/oracle`` compares the values with trec_eval (``m_ndcg_cut.c``, ``m_recip_rank.c``, ``m_map_cut.c``,
``m_P.c``, ``m_recall.c``, ``m_success.c``), with gdeval and with ir_measures.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.metrics.average_precision import AP
from evalkit.metrics.expected_reciprocal_rank import ERR
from evalkit.metrics.judged import JUDGED
from evalkit.metrics.metric import MetricDefinition, RunMetric
from evalkit.metrics.ndcg import NDCG
from evalkit.metrics.number_of_queries import NUM_Q
from evalkit.metrics.number_relevant import NUM_REL
from evalkit.metrics.number_relevant_retrieved import NUM_REL_RET
from evalkit.metrics.number_retrieved import NUM_RET
from evalkit.metrics.p_mrr import P_MRR
from evalkit.metrics.precision import P
from evalkit.metrics.recall import R
from evalkit.metrics.reciprocal_rank import RR
from evalkit.metrics.success import SUCCESS

DEFINITIONS: tuple[MetricDefinition, ...] = (
    NDCG,
    RR,
    AP,
    P,
    R,
    SUCCESS,
    JUDGED,
    ERR,
    NUM_Q,
    NUM_REL,
    NUM_RET,
    NUM_REL_RET,
)
"""In the order in which messages list their names."""


RUN_METRICS: tuple[RunMetric, ...] = (P_MRR,)
"""The metrics that compare the lists of several queries."""


def find_run_metric(name: str) -> RunMetric | None:
    """Return a metric of `RUN_METRICS` by its name; None if there is none."""
    return next((one for one in RUN_METRICS if name == one.name), None)


def find_definition(name: str) -> MetricDefinition | None:
    """Return the definition of a metric by its name or an alias; None if evalkit has none."""
    return next((one for one in DEFINITIONS if name == one.name or name in one.aliases), None)


def join_names(definitions: Sequence[MetricDefinition], conjunction: str) -> str:
    """Return the names of two or more metrics for a sentence: ``nDCG, RR and AP``."""
    *names, last = (one.name for one in definitions)
    return f"{', '.join(names)} {conjunction} {last}"
