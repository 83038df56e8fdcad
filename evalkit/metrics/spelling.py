"""Read the names of metrics as people type them: ``ndcg@10``, ``hits@5``, ``recip_rank``, ``map_cut_10``, ``P_5``."""

from __future__ import annotations

import re
from functools import cache

from evalkit.metrics import definitions
from evalkit.metrics.metric import MetricDefinition

NOTATION = re.compile(
    r"(?P<name>[A-Za-z_]\w*)\s*(?P<params>\(.*\))?\s*(?:@\s*(?P<cutoff>[0-9]+(?:\.[0-9]+)?)(?P<unit>t)?)?"
)
_TYPED = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z _-]*?)[ _.:-]*(?P<params>\(.*\))?[ _.:-]*(?:@[ _.:]*)?(?P<cutoff>[0-9]+t?)?",
    re.DOTALL,
)
_COMPUTED_ELSEWHERE = ("Rprec", "Bpref", "ERR", "RBP")
"""Names of metrics that ir_measures computes."""


def proper_spelling(text: str) -> str:
    """Return a metric's name in evalkit's notation; a name that is proper already, or unknown, unchanged."""
    text = text.strip()
    match = _TYPED.fullmatch(text)
    proper = _meant().get(re.sub(r"[ _-]", "", match["name"]).lower()) if match else None
    definition = definition_of(text)
    if match is None or proper is None or (definition and match["name"].lower() != definition.name.lower()):
        return text  # not known, or an alias
    cutoff = f"@{match['cutoff']}" if match["cutoff"] else ""
    return f"{proper}{match['params'] or ''}{cutoff}"


def definition_of(text: str) -> MetricDefinition | None:
    """Return the definition of a metric that is written in evalkit's notation, aliases included; else None."""
    match = NOTATION.fullmatch(text)
    return definitions.find_definition(match["name"]) if match else None


@cache
def _meant() -> dict[str, str]:
    """Return what people type, in lower case and without separators -> the name that is meant."""
    meant = {name.lower(): name for name in _COMPUTED_ELSEWHERE}
    for run_metric in definitions.RUN_METRICS:
        meant |= dict.fromkeys(run_metric.typed, run_metric.name)
    for one in definitions.DEFINITIONS:
        meant |= {alias.lower(): alias for alias in one.aliases}
        meant |= dict.fromkeys((one.name.lower(), *one.typed), one.name)
    return meant
