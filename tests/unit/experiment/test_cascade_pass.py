"""Cascades from stored scores: the same as running them, without a call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.checked import Backend, by_pair
from support.experiments import api, config_for, eval_set, started, use_backends

from evalkit.config import CascadeSettings, Config
from evalkit.errors import CallError
from evalkit.experiment.call_planning import plan_experiment
from evalkit.experiment.cascade_pass import cascades_of, derive_cascades
from evalkit.experiment.context import StartedExperiment
from evalkit.experiment.first_calls import make_first_calls
from evalkit.experiment.quality_pass import quality_pass
from evalkit.records import RerankRequest
from evalkit.rerankers.cascade import Cascade

DATA = eval_set(queries=12, documents=9, without=["q3"])
DEPTHS = [2, 5, 9]


def rough(request: RerankRequest) -> list[float]:
    """Score pairs by their hash in tenths, so that there are ties."""
    return [round(score, 1) for score in by_pair(request)]


def by_length(request: RerankRequest) -> list[float]:
    """Score pairs by their hash and the length of the list."""
    return [score * len(request.documents) % 1 for score in by_pair(request)]


def cascade(*keeps: int, first: str = "small", **more: Any) -> dict[str, Any]:
    """Return the block of a cascade: `first`, then ``large`` as often as there are numbers to keep."""
    tags = [first, *["large"] * len(keeps)]
    stages = [{"reranker": tag, "keep": keep} for tag, keep in zip(tags, keeps, strict=False)]
    return {"backend": "cascade", "stages": [*stages, {"reranker": tags[-1]}], **more}


BLOCKS = {
    "small": api("small", batch_size=4),
    "large": api("large"),
    "whole": api("whole", pointwise=False),
    "kept": cascade(3),
    "dropped": cascade(3, below="dropped"),
    "three": cascade(6, 2),
    "adaptive": cascade(3, skip={"margin": 0.15}),
    "adaptive-dropped": cascade(3, below="dropped", skip={"margin": 0.15}),
    "after-listwise": cascade(4, first="whole"),
    "outer": cascade(2, first="dropped"),
}
CASCADES = [tag for tag, block in BLOCKS.items() if block["backend"] == "cascade"]


def backends() -> dict[str, Backend]:
    """Return a stage with ties, a later stage, and a listwise first stage whose scores depend on the list."""
    return {
        "small": Backend(rough),
        "large": Backend(lambda request: [-score for score in by_pair(request)]),
        "whole": Backend(by_length, pointwise=False),
    }


def config(blocks: dict[str, Any] = BLOCKS, **more: Any) -> Config:
    """Return a configuration with these rerankers."""
    return config_for(blocks, depths=DEPTHS, retriever={"depth": 9}, **more)


def measured(run: StartedExperiment) -> dict[str, dict[str, np.ndarray]]:
    """Make the quality pass, derive the cascades, and return the written rows of each."""
    for session in run.sessions:
        quality_pass(run, session, DATA)
    derive_cascades(run, DATA)
    folder = run.recorder.write(run.folder).folder
    return {tag: folder.read_scores_of("tiny", tag) for tag in CASCADES}


@pytest.mark.parametrize("tag", CASCADES)
def test_a_derived_cascade_is_the_live_one_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    """At every depth: documents, their scores and their ranks, and no call is made for it."""
    opened = backends()
    use_backends(monkeypatch, **opened)
    checked = config()
    with started(checked, tmp_path, DATA) as run:
        rows = measured(run)[tag]
        assert {call.reranker for call in run.recorder.calls} == {"small", "large", "whole"}
    live = opened_cascade(checked, tag, opened)
    for depth in DEPTHS:
        chosen = rows["depth"] == depth
        found = {
            query: rows["query_id"][chosen] == query
            for query in dict.fromkeys(rows["query_id"][chosen].tolist())
        }
        assert list(found) == list(DATA.candidates.query_ids)
        for query_id, docs, _ in DATA.candidates.cut(depth):
            texts = tuple(DATA.dataset.corpus.text(doc) for doc in docs)
            query = next(one.text for one in DATA.dataset.queries if one.query_id == query_id)
            response = live.score(RerankRequest(query_id, query, texts, docs))
            assert response.order is not None
            here = {name: column[chosen][found[query_id]] for name, column in rows.items()}
            returned = sorted(response.order.tolist())
            assert here["doc_id"].tolist() == [docs[i] for i in returned]
            assert here["retriever_rank"].tolist() == [i + 1 for i in returned]
            assert here["score"].tobytes() == response.scores[returned].tobytes()
            ranks = {position: rank for rank, position in enumerate(response.order.tolist(), start=1)}
            assert here["list_rank"].tolist() == [ranks[i] for i in returned]


def opened_cascade(checked: Config, tag: str, opened: dict[str, Backend]) -> Cascade:
    """Return the live cascade over the same backends."""
    settings = checked.rerankers[tag]
    assert isinstance(settings, CascadeSettings)
    stages = [opened[one] if one in opened else opened_cascade(checked, one, opened) for one in settings.tags]
    return Cascade(settings, stages)


def test_a_smaller_depth_is_no_beginning_of_a_larger_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first stage passes on depends on all candidates: a cut of depth 9 to depth 5 is another list."""
    use_backends(monkeypatch, **backends())
    with started(config(), tmp_path, DATA) as run:
        rows = measured(run)["kept"]

    def order(depth: int) -> dict[str, list[str]]:
        chosen = (rows["depth"] == depth) & (rows["retriever_rank"] <= 5)
        found: dict[str, list[tuple[float, str]]] = {}
        for query, doc, score in zip(
            *(rows[name][chosen] for name in ("query_id", "doc_id", "score")), strict=True
        ):
            found.setdefault(query, []).append((score, doc))
        return {query: [doc for _, doc in sorted(docs, reverse=True)] for query, docs in found.items()}

    assert order(5) != order(9)


def failing(victim: str) -> Backend:
    """Return a backend that fails for one query."""

    def answer(request: RerankRequest) -> Any:
        return CallError("server", "broken") if request.query_id == victim else by_pair(request)

    return Backend(answer)


def sure_of(victim: str) -> Backend:
    """Return a first stage that is sure of one query and of no other."""

    def answer(request: RerankRequest) -> list[float]:
        sure = request.query_id == victim
        return [float(sure and doc == "d1") for doc in request.doc_ids]

    return Backend(answer)


@pytest.mark.parametrize("stage", ["small", "large"])
def test_a_cascade_fails_where_a_stage_that_it_needs_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """The query has no rows, is listed as failed, and no other query is."""
    use_backends(monkeypatch, **{**backends(), stage: failing("q1")})
    with started(config(), tmp_path, DATA) as run:
        rows = measured(run)["kept"]
        passes = [one for one in run.recorder.quality_passes if one.reranker == "kept"]
    assert "q1" not in set(rows["query_id"])
    assert [(one.depth, one.failed, one.asked, one.scored, one.pairs) for one in passes] == [
        (depth, ("q1",), 11, 10, 0) for depth in DEPTHS
    ]


def test_a_failed_stage_that_is_skipped_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The later stage failed for the only query for which it is skipped."""
    use_backends(monkeypatch, **{**backends(), "small": sure_of("q1"), "large": failing("q1")})
    with started(config(), tmp_path, DATA) as run:
        rows = measured(run)
        failed = {one.reranker: one.failed for one in run.recorder.quality_passes}
    assert failed["adaptive"] == ()
    assert failed["kept"] == ("q1",)
    first = (rows["adaptive"]["query_id"] == "q1") & (rows["adaptive"]["score"] == 1.0)
    assert set(rows["adaptive"]["doc_id"][first]) == {"d1"}


def test_a_cascade_is_neither_opened_nor_planned_nor_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan lists it without a call, and no score of it is stored."""
    use_backends(monkeypatch, **backends())
    with started(config(), tmp_path, DATA) as run:
        planned = {
            one.pass_: (one.calls, one.pairs) for one in plan_experiment(run) if one.reranker == "kept"
        }
        assert planned == {"derived": (0, 0)}
        assert [session.tag for session in run.sessions] == ["small", "large", "whole"]
        first = make_first_calls(run, run.sessions)
        assert {session.tag for session, _ in first.made} == {"small", "large", "whole"}
        assert run.store.identities.keys() == {"small", "large", "whole"}
        facts = run.manifest.rerankers["adaptive"]
    assert list(run.manifest.rerankers) == list(BLOCKS)
    assert (facts.backend, facts.pointwise, facts.score_kind, facts.timed) == (
        "cascade",
        False,
        "rank",
        False,
    )
    assert facts.cascade is not None
    assert [(one.reranker, one.keep) for one in facts.cascade.stages] == [("small", 3), ("large", None)]
    assert (facts.cascade.below, facts.cascade.skip_margin) == ("kept", 0.15)


def test_a_cascade_comes_after_the_cascades_that_are_its_stages() -> None:
    """Whatever the order of the configuration."""
    blocks = {
        "outer": cascade(2, first="inner"),
        "inner": cascade(3),
        **{t: BLOCKS[t] for t in ("small", "large")},
    }
    assert [tag for tag, _ in cascades_of(config(blocks))] == ["inner", "outer"]
