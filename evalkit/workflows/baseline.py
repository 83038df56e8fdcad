"""``evalkit baseline``: the part of a result that a gate compares, small enough to commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from evalkit.comparison.corrected_sides import saved_side
from evalkit.errors import InputError
from evalkit.records import MetricValues
from evalkit.results.baseline_folder import (
    BASELINES,
    BaselineFolder,
    BaselineManifest,
    SavedDraw,
    facts_to_keep,
)
from evalkit.results.locate import locate_result
from evalkit.results.run_facts import RunFacts
from evalkit.results.values_table import CellValues
from evalkit.summaries.gate_evidence import RANKING_DIGITS, Evidence, evidence_of
from evalkit.summaries.opened_results import open_result


def save_baseline(result: str | Path, name: str, into: Path = BASELINES) -> Path:
    """Save the part of a complete result that a gate compares, and return its folder.

    Raises
    ------
    InputError
        If the name is taken by something else, or cannot be a folder's name.
    IncompleteError
        If the result is not complete.
    StorageError
        If it cannot be written.
    """
    folder = BaselineFolder.at(into, name)
    opened = open_result(result)
    evidence = evidence_of(opened)
    depths = {one.dataset: one.depth for one in opened.comparison_sets}
    corrected = {
        key: saved
        for key, side in evidence.corrected.items()
        if (saved := saved_side(side, evidence.values[key].metrics)) is not None
    }
    draws = {dataset: side.draw for (dataset, _), side in corrected.items()}
    manifest = BaselineManifest(
        name=name,
        saved_from=opened.folder.path.name,
        first_stage=evidence.first_stage,
        prints=evidence.prints,
        rounds=tuple((*key, tuple(sorted(rounds.items()))) for key, rounds in evidence.rounds.items()),
        calls=tuple((*key, *counts) for key, counts in evidence.calls.items()),
        of=facts_to_keep(opened.folder),
        rankings=tuple((*key, "".join(hashes.values())) for key, hashes in evidence.rankings.items()),
        runs=tuple(sorted(evidence.runs)),
        withheld=tuple((*key, why) for key, why in evidence.withheld.items()),
        draws=tuple(
            SavedDraw(dataset, draw.judge, draw.digest, draw.declared, draw.enlarged)
            for dataset, draw in draws.items()
        ),
    )
    values = (
        CellValues(dataset, tag, None if (dataset, tag) in evidence.runs else depths[dataset], values)
        for (dataset, tag), values in evidence.values.items()
    )
    folder.write(manifest, opened.folder, values, corrected)
    return folder.path


def locate_baseline(named: str | Path) -> Path:
    """Return the folder of a saved baseline, by its path or its name, or else of a result; see `locate_result`.

    Raises
    ------
    InputError
        If there is neither.
    IncompleteError
        If the name is that of a folder whose results are not complete.
    """
    for path in (Path(named), BASELINES / named):
        if BaselineFolder(path).is_one:
            return path
    try:
        return locate_result(named, scores=True)
    except InputError:
        raise InputError(
            f"{named} is neither a baseline nor a result folder",
            "save one with: evalkit baseline save RESULT NAME",
        ) from None


def open_evidence(named: str | Path) -> Evidence:
    """Read a saved baseline or a result; see `locate_baseline`.

    Raises
    ------
    InputError
        If there is neither, or it is damaged.
    IncompleteError
        If it is a result that is not complete.
    """
    folder = BaselineFolder(locate_baseline(named))
    return _evidence(folder) if folder.is_one else evidence_of(open_result(folder.path))


def _evidence(folder: BaselineFolder) -> Evidence:
    """Return the evidence in a saved baseline, which is complete."""
    manifest, values = folder.read_manifest(), folder.read_values()
    return Evidence(
        name=str(folder.path),
        first_stage=manifest.first_stage,
        values=values,
        unscored=dict.fromkeys(values, 0),
        prints=manifest.prints,
        rounds={
            (dataset, tag, size, flight): dict(rounds)
            for dataset, tag, size, flight, rounds in manifest.rounds
        },
        calls={(dataset, tag): (calls, failed) for dataset, tag, calls, failed in manifest.calls},
        rankings=_rankings(folder, manifest, values),
        runs=frozenset(manifest.runs),
        missing=_missing(folder.read_runs(manifest), values),
        withheld={(dataset, tag, size, flight): why for dataset, tag, size, flight, why in manifest.withheld},
        judged_by=manifest.judged_by,
        synthetic=manifest.synthetic,
        corrected=folder.read_corrected(manifest),
    )


def _missing(
    runs: Iterable[RunFacts], values: Mapping[tuple[str, str], MetricValues]
) -> dict[tuple[str, str], frozenset[str]]:
    """Return the averaged queries that the files of the runs lack, without those that are stated to have no result."""
    return {
        (run.dataset, run.tag): frozenset(run.missing_queries)
        & frozenset(values[run.dataset, run.tag].query_ids)
        for run in runs
        if (run.dataset, run.tag) in values and not run.missing_as_zero
    }


def _rankings(
    folder: BaselineFolder, manifest: BaselineManifest, values: Mapping[tuple[str, str], MetricValues]
) -> dict[tuple[str, str], dict[str, str]]:
    """Return the hashes of the rankings, which are written one after the other in the order of the queries.

    Raises
    ------
    InputError
        If they are not as many as the queries.
    """
    rankings = {}
    for dataset, tag, joined in manifest.rankings:
        query_ids = values[dataset, tag].query_ids if (dataset, tag) in values else ()
        hashes = [joined[start : start + RANKING_DIGITS] for start in range(0, len(joined), RANKING_DIGITS)]
        if len(hashes) != len(query_ids):
            raise InputError(
                f"{folder.manifest_file.resolve()} is damaged: {len(hashes)} rankings for {len(query_ids)} queries",
                "save the baseline again from its result",
            )
        rankings[dataset, tag] = dict(zip(query_ids, hashes, strict=True))
    return rankings
