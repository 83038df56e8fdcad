"""Where the scores of every system of a result came from, read from its manifest."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePath

from evalkit.cache import HASH_DIGITS
from evalkit.comparison.score_origins import DriftSample, ScoreOrigin
from evalkit.results.manifest import Manifest, PairCounts
from evalkit.results.run_facts import RunFacts


def origins_of(manifest: Manifest) -> dict[tuple[str, str], ScoreOrigin]:
    """Return (dataset, reranker) -> the origin of its scores; the first stage is not among them."""
    origins = {(pairs.dataset, pairs.reranker): _origin(manifest, pairs) for pairs in manifest.pairs}
    return origins | {(run.dataset, run.tag): _of_run(run) for run in manifest.runs}


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
