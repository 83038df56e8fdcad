"""Read the names of metrics as people type them: ``ndcg@10``, ``hits@5``, ``recip_rank``, ``map_cut_10``, ``P_5``."""

from __future__ import annotations

import re
from functools import cache

from evalkit.metrics import definitions
from evalkit.metrics.metric import MetricDefinition
from evalkit.metrics.provided import PROVIDED, ProvidedMetric, find_provided

NOTATION = re.compile(
    r"(?P<name>[^\W\d]\w*)\s*(?P<params>\(.*\))?\s*(?:@\s*(?P<cutoff>[0-9]+(?:\.[0-9]+)?)(?P<unit>t)?)?"
)
_TYPED = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z _-]*?)[ _.:-]*(?P<params>\(.*\))?[ _.:-]*"
    r"(?:@[ _.:]*)?(?P<cutoff>[0-9]+(?:\.[0-9]+)?t?)?",
    re.DOTALL,
)


def proper_spelling(text: str) -> str:
    """Return a metric's name in evalkit's notation; a name that is proper already, or unknown, unchanged."""
    text = text.strip()
    match = _TYPED.fullmatch(text)
    proper = _meant().get(_plain(match["name"])) if match else None
    definition = definition_of(text)
    if match is None or proper is None or find_provided(match["name"]):
        return text  # not known, or as in ir_measures
    if definition and match["name"].lower() != definition.name.lower():
        return text  # an alias
    cutoff = f"@{match['cutoff']}" if match["cutoff"] else ""
    return f"{proper}{match['params'] or ''}{cutoff}"


def definition_of(text: str) -> MetricDefinition | None:
    """Return the definition of a metric that is written in evalkit's notation, aliases included; else None."""
    match = NOTATION.fullmatch(text)
    return definitions.find_definition(match["name"]) if match else None


@cache
def _meant() -> dict[str, str]:
    """Return what people type, in lower case and without separators -> the name that is meant."""
    meant: dict[str, str] = {}
    for run_metric in definitions.RUN_METRICS:
        meant |= dict.fromkeys(run_metric.typed, run_metric.name)
    records: tuple[MetricDefinition | ProvidedMetric, ...] = (*PROVIDED, *definitions.DEFINITIONS)
    for one in records:
        meant |= {_plain(alias): alias for alias in one.aliases}
        meant |= dict.fromkeys((_plain(one.name), *one.typed), one.name)
    return meant


def _plain(name: str) -> str:
    """Return a name in lower case without separators."""
    return re.sub(r"[ _-]", "", name).lower()
