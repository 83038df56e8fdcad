"""A/A test of a reranker: the differences between repeated runs of the same configuration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evalkit.comparison import pair
from evalkit.config import Config, resolved_yaml
from evalkit.experiment.run_options import Origin, ResumeOptions
from evalkit.experiment.sessions import only
from evalkit.results.folder import REPEATS_FOLDER, results_folder
from evalkit.summaries.opened_results import OpenedResult, open_result
from evalkit.workflows.run import run_experiment

REPEATS = 2


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """Differences between repeated runs of one reranker, on one dataset and metric.

    Attributes
    ----------
    changed
        Share of the queries whose value differs between repeats.
    moved
        Largest absolute mean difference between two repeats.
    deviation
        Largest standard deviation, over pairs of repeats, of the differences per query.
    wrongly_real
        Half width of the 95 % t interval of that deviation: noise alone explains a smaller mean difference.
    """

    dataset: str
    metric: str
    repeats: int
    n: int
    changed: float
    moved: float
    deviation: float
    wrongly_real: float


def noise_floor(
    config: Config, tag: str, repeats: int = REPEATS, into: str | Path | None = None
) -> list[NoiseFloor]:
    """Run a reranker several times, request every score each time, and compare the results.

    Parameters
    ----------
    config
        The configuration of the reranker and the datasets; its latency pass is skipped.
    tag
        The reranker.
    repeats
        Number of runs, 2 or more.
    into
        Parent of the result folders; ``results/<name>/aa`` where None.

    Raises
    ------
    UnknownNameError
        If the configuration has no such reranker.
    IncompleteError
        If a repeat has queries without scores.
    """
    alone = only(config, [tag]).model_copy(update={"latency": None})
    parent = Path(into) if into is not None else results_folder(config.name, None) / REPEATS_FOLDER
    origin = Origin(f"evalkit aa --reranker {tag}", resolved_yaml(alone).encode())
    folders = [run_experiment(alone, parent, origin, ResumeOptions(refresh=True)) for _ in range(repeats)]
    results = [open_result(folder.path) for folder in folders]
    return [
        _floor(results, number, metric)
        for number in range(len(results[0].comparison_sets))
        for metric in config.metrics
    ]


def _floor(results: list[OpenedResult], number: int, metric: str) -> NoiseFloor:
    (tag,) = results[0].rerankers
    values = [result.comparison_sets[number].systems[tag].values for result in results]
    pairs = [
        pair(first, second, metric) for place, first in enumerate(values) for second in values[place + 1 :]
    ]
    shared = set.intersection(
        *(set(one.query_ids) for one in pairs)
    )  # a metric may be unknown for some queries
    pairs = [one.restricted_to(tuple(shared)) for one in pairs]
    n = len(shared)
    deviation = max(float(one.differences.std(ddof=1)) if n > 1 else 0.0 for one in pairs)
    changed = np.any([one.differences != 0 for one in pairs], axis=0)
    return NoiseFloor(
        dataset=results[0].comparison_sets[number].dataset,
        metric=metric,
        repeats=len(results),
        n=n,
        changed=float(changed.mean()) if n else 0.0,
        moved=max(abs(float(one.differences.mean())) if n else 0.0 for one in pairs),
        deviation=deviation,
        wrongly_real=_half_width(deviation, n),
    )


def _half_width(deviation: float, n: int) -> float:
    """Return half the width of the 95 % t interval of a mean with that deviation."""
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 0.975)) * deviation / math.sqrt(n) if n > 1 else math.nan
