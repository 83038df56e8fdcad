"""Which pairs a judge is asked to grade, and the record of what was drawn at random."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from evalkit.errors import DataFormatError, InputError, StorageError, tell
from evalkit.file_names import system_part
from evalkit.files import make_folder, write_file
from evalkit.judges import Judge
from evalkit.judging.judged_pairs import JudgedPairs, Pair, draw_queries, in_random_order, seconds_each
from evalkit.judging.score_strata import StratifiedDraw, draw_by_score
from evalkit.records import Run, utc_text
from evalkit.store import JudgmentFile
from evalkit.workflows.pooled_dataset import PooledDataset, Purpose


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """Which pairs are sent to a judge.

    Attributes
    ----------
    sample
        Number of queries of a random draw; None for all queries.
    purpose
        See `Purpose`.
    retry_failed
        Whether pairs that the judge did not grade are sent again.
    all_pairs
        Whether pairs that a rater who counts has judged are sent, too; always so on a dataset with a human sample.
    keep_going
        Whether all pairs are sent, although the judge graded none of its first ones.
    """

    sample: int | None = None
    purpose: Purpose = "quality"
    retry_failed: bool = False
    all_pairs: bool = False
    keep_going: bool = False


@dataclass(frozen=True, slots=True)
class PairsToJudge:
    """The pairs of one dataset, by what becomes of them.

    Attributes
    ----------
    pooled
        The dataset.
    file
        The judge's file.
    chosen
        Number of pairs that the options choose.
    counted
        Of these, pairs that a rater who counts has judged, so that they are not sent.
    graded, failed
        Of the others, pairs that the judge has graded, and that it failed to grade and is not asked again.
    stale
        Pairs that the judge graded with other texts, so that it grades them again.
    remaining
        Pairs to grade, in order.
    retry_failed
        Whether pairs that the judge failed to grade are sent again.
    seconds_each
        Seconds for each pair at the pace of the judge's earlier answers; None if unknown.
    """

    pooled: PooledDataset
    file: JudgmentFile
    chosen: int
    counted: int
    graded: int
    failed: int
    stale: int
    remaining: tuple[Pair, ...]
    retry_failed: bool
    seconds_each: float | None = None


def pairs_to_judge(
    pooled: PooledDataset, tag: str, judge: Judge, options: JudgeOptions, seed: int
) -> PairsToJudge:
    """Return the pairs of one dataset that a judge has to grade, in random order.

    Pairs with a grade that the judge's would not replace are left out, but for a dataset with a human sample and for a
    depth: there people's grades correct those of the judge, which have to be the same function of all queries. Of a
    sample by score every pair is judged, in a file of its own.

    Raises
    ------
    InputError
        If a sample by score is one of some queries only, or there is one of other scores or of another seed.
    DataFormatError
        If the record of an earlier sample is damaged.
    """
    if options.purpose == "threshold":
        _check_threshold(pooled, tag, options, seed)
    chosen = chosen_pairs(pooled, options, seed)
    counted = pooled.counted_before(tag)
    for_threshold = options.purpose == "threshold"
    file = JudgmentFile(pooled.threshold_file_of(tag) if for_threshold else pooled.file_of(tag))
    earlier = file.read()
    state = JudgedPairs.of(earlier, judge.known_rater, pooled.query_sha256, pooled.doc_sha256)
    kept = [
        (query_id, doc_id)
        for query_id, doc_id in chosen
        if options.all_pairs
        or options.purpose != "quality"
        or pooled.is_corrected
        or doc_id not in counted.get(query_id, ())
    ]
    remaining = state.remaining(kept, retry_failed=options.retry_failed)
    failed = 0 if options.retry_failed else sum(pair in state.failed for pair in kept)
    return PairsToJudge(
        pooled=pooled,
        file=file,
        chosen=len(chosen),
        counted=len(chosen) - len(kept),
        graded=sum(pair in state.graded for pair in kept),
        failed=failed,
        stale=sum(pair in state.stale for pair in remaining),
        remaining=tuple(in_random_order(remaining, seed)),
        retry_failed=options.retry_failed,
        seconds_each=seconds_each(earlier),
    )


def chosen_pairs(pooled: PooledDataset, options: JudgeOptions, seed: int) -> list[Pair]:
    """Return the pairs that options choose, judged or not."""
    queries = None
    if options.sample is not None:
        queries = frozenset(draw_queries(pooled.queries, options.sample, seed))
    if options.purpose == "threshold":
        pairs = [one.pair for one in threshold_draw(pooled, seed).pairs]
    else:
        pairs = [
            (query_id, doc_id)
            for query_id, docs in pooled.pool_for(options.purpose).items()
            for doc_id in docs
        ]
    return [pair for pair in pairs if queries is None or pair[0] in queries]


def threshold_draw(pooled: PooledDataset, seed: int) -> StratifiedDraw:
    """Return the random sample of all candidates by score, of every system at its deepest depth."""
    deepest: dict[str, Run] = {}
    for system in sorted(pooled.systems, key=lambda one: one.depth or 0):
        deepest[system.name] = replace(system.scored, tag=system.name)
    return draw_by_score(deepest.values(), pooled.dataset.corpus, seed)


def record_choice(pooled: PooledDataset, tag: str, options: JudgeOptions, seed: int) -> None:
    """Write down which queries or pairs were drawn at random, next to the judge's file.

    A sample by score is drawn once: the probabilities of its pairs hold for one set of scores and one seed only.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    if options.purpose == "threshold":
        _record_threshold(pooled, tag, seed)
        return
    if options.sample is not None:
        drawn = draw_queries(pooled.queries, options.sample, seed)
        content = {
            "dataset": pooled.name, "seed": seed, "queries": len(drawn), "of": len(pooled.queries),
            "recorded_at": utc_text(), "query_ids": drawn,
        }  # fmt: skip
        path = _place(pooled, tag, "sample")
        _write(path, content)
        people = (
            "people judge those of human_sample, not these"
            if pooled.is_corrected
            else "this is no sample for people: set human_sample for one"
        )
        tell(
            f"{pooled.name}: {len(drawn)} of {len(pooled.queries)} queries drawn at random (seed {seed}; {path});"
            f" {people}"
        )


def _record_threshold(pooled: PooledDataset, tag: str, seed: int) -> None:
    path = _place(pooled, tag, "threshold")
    if not path.is_file():
        draw = asdict(threshold_draw(pooled, seed))
        _write(path, {"dataset": pooled.name, "recorded_at": utc_text(), **draw})
    tell(
        f"{pooled.name}: grades of a random sample by score, in {pooled.threshold_file_of(tag)}; the probability of"
        f" each pair is in {path}. 'evalkit judge audit' compares this file with people's. No metric and no 'evalkit"
        " tune' reads it: a threshold takes people's grades of whole queries (evalkit judge rate CONFIG --for"
        " threshold); other programs have to weight each pair by 1 / probability"
    )


def _check_threshold(pooled: PooledDataset, tag: str, options: JudgeOptions, seed: int) -> None:
    """Raise InputError if a sample by score would not have the probabilities of its record; see `record_choice`."""
    if options.sample is not None:
        raise InputError(
            "--sample cannot be combined with --for threshold: the probabilities of the pairs would not hold",
            "leave out --sample",
        )
    path = _place(pooled, tag, "threshold")
    if not path.is_file():
        return
    earlier = _record_of(path)
    draw = orjson.loads(
        orjson.dumps(asdict(threshold_draw(pooled, seed)))
    )  # with lists for tuples, as in JSON
    if {key: earlier.get(key) for key in draw} != draw:
        raise InputError(
            f"{path}: drawn from other systems or scores, or with another seed: its probabilities do not hold for a"
            " draw of now",
            "use the results and the seed of that time; or, to draw again, move this file and"
            f" {pooled.threshold_file_of(tag)} away",
        )


def _record_of(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        raise DataFormatError(f"{path} is no record of a draw", "restore the file from a copy")
    return content


def _place(pooled: PooledDataset, tag: str, kind: str) -> Path:
    return pooled.judgments_folder / f"{system_part(pooled.name, tag)}.{kind}.json"


def _write(path: Path, content: object) -> None:
    try:
        make_folder(path.parent)
        write_file(path, orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    except OSError as error:
        raise StorageError(
            f"cannot write {path.absolute()}: {error.strerror or error}", "choose a writable folder"
        ) from None
