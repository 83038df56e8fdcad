"""The reference of metrics, as Markdown, written by the code it is about."""

from __future__ import annotations

from collections.abc import Callable

from evalkit.errors import InputError
from evalkit.metrics import definitions, parse_metric
from evalkit.metrics.metric import Metric, MetricDefinition, RunMetric
from evalkit.metrics.provided import PROVIDED, UNAVAILABLE, ProvidedMetric
from evalkit.metrics.provider_checks import check_notation, parameters
from evalkit.metrics.providers import check_judgments
from evalkit.records import Qrels

HEAD = """\
# Every metric

Written by the code (`make golden`). Names, parameters and cutoffs are those of
[ir_measures](https://ir-measur.es): `nDCG@10`, `AP(rel=2)`, `nDCG(dcg='exp-log2')@10`. Other spellings are understood:
`ndcg@10`, `map_cut_100`, `hits@5`, `alpha-nDCG@20`, `iprec_at_recall_0.10`.

- *works*: no further package is needed. *needs extra `metrics`*: `pip install -e '.[metrics]'`.
- *cutoff*: the n in `nDCG@n`. *A budget*: the n in `nDCG@nt`, a number of tokens; see
  [token budgets](token-budgets.md).
- A query that a run lacks has the value of an empty list. A query for which a package has no value is unknown: null in
  JSON, and left out of the mean of that metric.
- Packages receive numbers in place of the identifiers of queries and documents, so no value depends on names.

evalkit computes these itself, from the list of each query. They have tie bounds, bounds over unjudged documents and
values at every depth, where the metric allows it.
"""
COLUMNS = """\
| name | status | computed by | parameters | cutoff | refused, and what to write |
|---|---|---|---|---|---|"""
SEVERAL_HEAD = """
evalkit computes these from the lists of several queries, so no list has a value by itself, and there are no bounds. See
[queries with instructions](instructions.md#p-mrr-does-a-ranking-follow-the-instruction).
"""
PROVIDED_HEAD = "\nOther packages compute these, through ir_measures.\n"
REFUSED_HEAD = (
    "\nThese names are refused.\n\n| name | status | why refused | what to write |\n|---|---|---|---|"
)
GRADED = Qrels({"q": {"d": 1_000}})
"""Judgments with a grade that no scale holds, and without subtopics."""


def metric_reference() -> str:
    """Return every metric with what computes it, what it takes, and what is refused."""
    lines = [HEAD, COLUMNS, *map(_own, definitions.DEFINITIONS)]
    lines += [SEVERAL_HEAD, COLUMNS, *map(_several, definitions.RUN_METRICS)]
    lines += [PROVIDED_HEAD, COLUMNS, *map(_provided, PROVIDED), REFUSED_HEAD]
    lines += [f"| `{name}` | refused | {why} | {instead} |" for name, (why, instead) in UNAVAILABLE.items()]
    return "\n".join(lines) + "\n"


def _own(one: MetricDefinition) -> str:
    cutoff = "required" if one.needs_cutoff else "optional" if one.takes_cutoff else "none"
    if one.at_budget:
        cutoff += ", or a budget"
    metric = parse_metric(f"{one.name}@10" if one.needs_cutoff else one.name)
    check = one.check_judgments
    refused = [
        _problem(lambda: parse_metric(one.name)),
        _problem(lambda: check(metric, GRADED)) if check else "",
    ]
    return _row(one, "works", "evalkit", [parameter.name for parameter in one.parameters], cutoff, refused)


def _several(one: RunMetric) -> str:
    problem = _problem(lambda: one.check(GRADED, "the judgments"))
    return _row(one, "works", "evalkit", [], "none", [problem])


def _provided(one: ProvidedMetric) -> str:
    cutoff = "required" if one.needs_cutoff else "optional" if one.takes_cutoff else "none"
    if one.level:
        cutoff = "a level of recall from 0 to 1, required"
    elif one.highest_cutoff:
        cutoff += f", at most {one.highest_cutoff}"
    max_rel = (("max_rel", 3),) if "max_rel" in one.needs else ()
    refused = [
        _problem(lambda: check_notation(Metric(one.name, (), None, one.name))),
        _problem(lambda: check_judgments(Metric(one.name, max_rel, None, one.example), GRADED)),
    ]
    status = f"needs extra `{one.extra}`" if one.extra else "works"
    return _row(one, status, one.package, list(parameters(one)), cutoff, refused)


def _row(
    one: MetricDefinition | ProvidedMetric | RunMetric,
    status: str,
    package: str,
    names: list[str],
    cutoff: str,
    refused: list[str],
) -> str:
    aliases = () if isinstance(one, RunMetric) else one.aliases
    shown = ", ".join(f"`{name}`" for name in (one.name, *aliases))
    takes = ", ".join(f"`{name}`" for name in names if name != "recall")
    return f"| {shown} | {status} | {package} | {takes} | {cutoff} | {'; '.join(filter(None, refused))} |"


def _problem(check: Callable[[], object]) -> str:
    """Return what a check refuses, without what was found in the judgments, and the hint."""
    try:
        check()
    except InputError as error:
        message = str(error.message).partition(";")[0].partition(", and these")[0].partition(", but ")[0]
        return f"{message.replace(chr(39), '`')}: {error.hint}"
    return ""
