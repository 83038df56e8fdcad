"""What repeated gates show together: the results of other nights lie next to the one that is gated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from evalkit.comparison.gate_verdicts import GateVerdict
from evalkit.comparison.indications import BY_MODELS
from evalkit.files import is_leftover
from evalkit.results import ResultFolder
from evalkit.results.gate_document import GateResult, NightsFinding
from evalkit.stats import fall_evidence


def judge_nights(
    outcome: GateResult, folder: ResultFolder, margins: Mapping[str, float], alpha: float
) -> tuple[NightsFinding, ...]:
    """Judge whether the mean of a rule has fallen by more than its margin, over all gates up to this one.

    Parameters
    ----------
    outcome
        The gate of this night; what rests on grades of models is not judged.
    folder
        The result that it gates. Its neighbours with earlier names, gated against the same baseline, are the other
        nights.
    margins
        Rule in words -> margin; other rules are not judged.
    alpha
        Probability of an alarm, in any number of nights, without a lasting fall.
    """
    names, gates = [], []
    for name, gate in _earlier(folder):
        if gate.baseline_hash == outcome.baseline_hash:
            names.append(name)
            gates.append(gate)
    return tuple(
        _judge(verdict, names, gates, margins[verdict.rule], alpha)
        for verdict in outcome.verdicts
        if verdict.rule in margins and verdict.estimate is not None and BY_MODELS not in verdict.sentence
    )


def _earlier(folder: ResultFolder) -> Iterator[tuple[str, GateResult]]:
    """Yield the gates of the neighbours up to the folder itself. Names begin with a time, so their order is that."""
    own = folder.path.resolve()
    for path in sorted(own.parent.iterdir()):
        if is_leftover(path) or path.name > own.name:
            continue
        if gate := ResultFolder(path).read_gates():
            yield path.name, gate


def _judge(
    verdict: GateVerdict, names: list[str], gates: list[GateResult], margin: float, alpha: float
) -> NightsFinding:
    nights = [
        (name, one.estimate)
        for name, gate in zip(names, gates, strict=True)
        for one in gate.verdicts
        if (one.rule, one.dataset, one.reranker, one.n)
        == (verdict.rule, verdict.dataset, verdict.reranker, verdict.n)
        and one.estimate is not None
    ]
    means = np.array([estimate for _, estimate in nights])
    found = fall_evidence(means, margin)
    return NightsFinding(
        rule=verdict.rule,
        dataset=verdict.dataset,
        reranker=verdict.reranker,
        nights=len(nights),
        e_value=found.e_value,
        alarm_at=1 / alpha,
        since=nights[found.since][0],
        mean=float(means[found.since :].mean()),
    )
