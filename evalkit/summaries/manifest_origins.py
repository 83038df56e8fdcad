"""Where the scores of every system of a result came from, read from its manifest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePath

from evalkit.cache import HASH_DIGITS
from evalkit.comparison.score_origins import DriftSample, ScoreOrigin, together
from evalkit.results.manifest import Manifest, PairCounts
from evalkit.results.run_facts import RunFacts


def origins_of(manifest: Manifest) -> dict[tuple[str, str], ScoreOrigin]:
    """Return (dataset, reranker) -> the origin of its scores; the first stage is not among them."""
    origins = {(pairs.dataset, pairs.reranker): _origin(manifest, pairs) for pairs in manifest.pairs}
    origins |= {(run.dataset, run.tag): _of_run(run) for run in manifest.runs}
    for tag in manifest.rerankers:
        for facts in manifest.datasets:
            stages = [origins.get((facts.name, leaf)) for leaf in dict.fromkeys(_leaves(manifest, tag))]
            known = [stage for stage in stages if stage is not None]
            if (facts.name, tag) not in origins and known and len(known) == len(stages):
                origins[facts.name, tag] = together(known)
    return origins


def _leaves(manifest: Manifest, tag: str) -> Iterator[str]:
    """Yield the rerankers whose scores a cascade is derived from: its stages, or theirs if they are cascades."""
    cascade = manifest.rerankers[tag].cascade
    for stage in cascade.stages if cascade else ():
        nested = manifest.rerankers[stage.reranker].cascade
        yield from _leaves(manifest, stage.reranker) if nested else (stage.reranker,)


def _of_run(run: RunFacts) -> ScoreOrigin:
    """Return the origin of a compared run, which is the file itself."""
    name, digits = PurePath(run.path).name, run.sha256[:HASH_DIGITS]
    return ScoreOrigin(run.documents, proven_by=f"run file {name}, sha256 {digits}")


def _origin(manifest: Manifest, pairs: PairCounts) -> ScoreOrigin:
    about = manifest.rerankers.get(pairs.reranker)
    older = pairs.reused + pairs.resumed
    ended = None if manifest.finished is None else datetime.fromisoformat(manifest.finished).timestamp()
    return ScoreOrigin(
        fresh=pairs.asked - pairs.failed - older,
        older=older,
        resumed=pairs.resumed,
        # Results of earlier versions do not say which scores were imported: any may be.
        undated=pairs.reused if pairs.undated is None else pairs.undated,
        # The end is known to the second only.
        age_s=None if ended is None or pairs.oldest_s is None else ended - int(pairs.oldest_s),
        proven_by=about.proven_by if about else None,
        drift=_drift(manifest, pairs),
        ended=manifest.finished,
    )


def _drift(manifest: Manifest, pairs: PairCounts) -> DriftSample | None:
    key = pairs.dataset, pairs.reranker
    check = next((one for one in manifest.drift_checks if (one.dataset, one.reranker) == key), None)
    if check is None:
        return None
    asked = max(
        (one.asked for one in manifest.quality_passes if (one.dataset, one.reranker) == key),
        default=check.queries,
    )
    return DriftSample(check.queries, asked, check.pairs, check.verdict, check.evidence())
