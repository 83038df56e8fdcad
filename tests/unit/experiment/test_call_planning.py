"""What a run will ask, counted before it asks: figures that can be worked out by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.api_runs import write_collection
from support.checked import Backend
from support.configs import config_of
from support.experiments import use_backends

from evalkit.experiment.execute import execute
from evalkit.experiment.run_options import Origin, ResumeOptions
from evalkit.reranking.token_estimates import PlannedPass
from evalkit.workflows.run import plan

QUERIES, DEPTH = 8, 6
EXCHANGED = 2
"""Calls that show that scores depend on the query and the document: two queries with the same documents."""
PRICE = {"usd_per_thousand_requests": 10, "as_of": "2026-11-22"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a collection in which every one of eight queries has six candidates."""
    return write_collection(tmp_path_factory.mktemp("planned") / "small", QUERIES)


def api(**more: Any) -> dict[str, Any]:
    """Return the block of an API that a plan must not contact."""
    return {"api": {"backend": "http", "url": "http://127.0.0.1:9/v1/rerank", "model": "m", **more}}


def planned(folder: Path, rerankers: dict[str, Any], **more: Any) -> dict[str, PlannedPass]:
    """Return what is planned, by pass, of a configuration with one reranker."""
    config = config_of(folder, rerankers, **{"retriever": {"depth": DEPTH}, **more})
    found = plan(config, folder.parent / "nowhere")
    assert not (folder.parent / "nowhere").exists()
    assert len({one.pass_ for one in found}) == len(found)
    return {one.pass_: one for one in found}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 9))
def test_lists_are_cut_into_calls(folder: Path, size: int) -> None:
    """Every pair is sent once, in as few calls as the size allows."""
    quality = planned(folder, api(batch_size=size))["quality"]
    assert quality.pairs == QUERIES * DEPTH
    assert quality.calls == quality.requests == QUERIES * -(-DEPTH // size)
    assert quality.known == 0


def test_a_plain_run_has_a_test_call_and_its_lists(folder: Path) -> None:
    """One reranker, one depth, whole lists: nothing needs to be pointwise; two queries get the same documents."""
    found = planned(folder, api())
    assert list(found) == ["check", "quality"]
    assert (found["check"].calls, found["check"].pairs) == (1 + EXCHANGED, 1 + EXCHANGED * 12)
    assert (found["quality"].calls, found["quality"].pairs) == (QUERIES, QUERIES * DEPTH)


@pytest.mark.parametrize("more", [{"depths": [3, 6]}, {}], ids=["several depths", "lists in parts"])
def test_what_must_be_pointwise_is_checked(folder: Path, more: dict[str, Any]) -> None:
    """The second half of three queries; their first lists are calls of the quality pass."""
    size = 6 if more else 4
    check = planned(folder, api(batch_size=size), **more)["check"]
    assert check.calls == 1 + EXCHANGED + 3
    assert check.pairs == 1 + EXCHANGED * size + 3 * (size // 2)


def test_a_pass_serves_all_depths_unless_lists_matter(folder: Path) -> None:
    """Scores of the deepest list hold for shallower ones; a reranker that looks at its list is asked for each."""
    pointwise = planned(folder, api(), depths=[2, 3, 6])["quality"]
    assert pointwise.pairs == QUERIES * 6
    listwise = planned(folder, api(pointwise=False), depths=[2, 3, 6])
    assert listwise["quality"].pairs == QUERIES * (2 + 3 + 6)
    assert listwise["check"].calls == 1 + EXCHANGED


@pytest.mark.parametrize(
    ("rerankers", "calls"),
    [
        (api(score_check=False), 1),
        (api(batch_size=1), 1 + 2 * EXCHANGED),
        ({"same": {"backend": "identity"}}, 1),
        ({"words": {"backend": "lexical"}}, 1 + EXCHANGED),
        ({"served": {"backend": "http", "serve": {"backend": "lexical"}}}, 1 + EXCHANGED),
        ({"served": {"backend": "http", "serve": {"backend": "identity"}}}, 1),
    ],
    ids=str,
)
def test_exchanged_queries_are_sent_to_what_computes_scores(
    folder: Path, rerankers: dict[str, Any], calls: int
) -> None:
    """Two queries, in a call each, or in two where a call takes one document; none to what only looks scores up."""
    found = planned(folder, rerankers, depths=[1])
    assert found["check"].calls == calls


def test_a_price_by_request_is_paid_for_every_call(folder: Path) -> None:
    """A cent for each; without a price the cost is unknown, and not 0."""
    found = planned(folder, api(batch_size=2, price=PRICE))
    assert found["quality"].cost_usd == pytest.approx(0.01 * QUERIES * 3)
    assert found["check"].cost_usd == pytest.approx(0.01 * found["check"].calls)
    assert {one.cost_usd for one in planned(folder, api()).values()} == {None}


def test_tokens_are_a_quarter_of_the_characters(folder: Path) -> None:
    """The query counts once for each of its documents."""
    tokens = planned(folder, api())["quality"].tokens
    texts = [f"topic{q} word{i} " + "filler " * i for q in range(QUERIES) for i in range(6)]
    characters = sum(len(text.strip()) + len("topic0") for text in texts)
    assert tokens == pytest.approx(characters / 4, rel=0.05)


def test_timed_calls_are_counted_with_their_warm_up(folder: Path) -> None:
    """Each batch size is timed on queries of its own, and no local lookup is timed."""
    found = planned(folder, api(), latency={"batch_sizes": [1, 2], "calls": 4, "warmup": 2})
    assert found["latency"].calls <= 2 * 4
    assert found["latency"].pairs <= 4 * (1 + 2)
    assert found["warmup"].calls >= 2 * 2
    assert "latency" not in planned(folder, {"same": {"backend": "identity"}}, latency={"batch_sizes": [1]})


def test_without_quality_only_times_are_planned(folder: Path) -> None:
    """A bench asks once whether the server answers, and times it."""
    found = planned(folder, api(), quality=False, latency={"batch_sizes": [1], "calls": 4, "warmup": 2})
    assert list(found) == ["check", "warmup", "latency"]
    assert found["check"].calls == 1 + EXCHANGED


def test_a_test_call_is_made_once_for_each_reranker(folder: Path) -> None:
    """Not once more for a second dataset."""
    block = {"source": "beir_folder", "path": str(folder)}
    rerankers = {**api(), "again": api()["api"]}
    config = config_of(folder, rerankers, datasets=[{**block, "name": "one"}, {**block, "name": "two"}])
    found = plan(config, folder.parent / "nowhere")
    checks = [(one.dataset, one.reranker, one.calls) for one in found if one.pass_ == "check"]
    assert checks == [("one", "api", 1 + EXCHANGED), ("one", "again", 1 + EXCHANGED)]
    assert [one.calls for one in found if one.pass_ == "quality"] == [QUERIES] * 4


@pytest.mark.long
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(1, 7),
    depths=st.lists(st.integers(1, 6), min_size=1, max_size=2, unique=True),
    pointwise=st.booleans(),
    timed=st.booleans(),
)
def test_a_run_makes_the_calls_of_its_plan(
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    size: int,
    depths: list[int],
    pointwise: bool,
    timed: bool,
) -> None:
    """Pass by pass, call by call and pair by pair; afterwards only what was timed would be timed again."""
    into = tmp_path_factory.mktemp("planned")
    rerankers = api(pointwise=pointwise, batch_size=size if pointwise else None)
    latency = {"batch_sizes": [2], "calls": 6, "warmup": 1} if timed else None
    config = config_of(folder, rerankers, retriever={"depth": DEPTH}, depths=depths, latency=latency)
    with pytest.MonkeyPatch.context() as patch:
        use_backends(patch, m=Backend(pointwise=pointwise))
        expected = plan(config, into)
        with execute(config, Origin("plan", None), into, ResumeOptions()) as made:
            pass
    calls = made.read_calls()
    calls = calls[calls["pass"] != "warmup"]  # a warm-up goes on until latencies settle
    pairs: Counter[str] = Counter()
    for name, documents in zip(calls["pass"], calls["batch_size"], strict=True):
        pairs[name] += documents
    assert pairs == {one.pass_: one.pairs for one in expected if one.pass_ != "warmup"}
    assert Counter(calls["pass"]) == {one.pass_: one.calls for one in expected if one.pass_ != "warmup"}
    made.report_html_file.write_text("", encoding="utf-8")
    again = {one.pass_: one for one in plan(config, into)}
    assert set(again) == {"check", "warmup", "latency", "quality"} if timed else {"quality"}
    scored = sum(depths) if not pointwise else max(depths)
    assert (again["quality"].calls, again["quality"].known) == (0, QUERIES * scored)


def test_a_model_with_fewer_bits_is_scored_again_in_full(folder: Path) -> None:
    """A pass of its own: the sampled queries, at the deepest depth, once."""
    model = {"backend": "cross_encoder", "model": "any/model", "revision": "a" * 40, "precision": "bf16"}
    found = planned(folder, {"m": model}, precision_check={"queries": 3}, depths=[2, 4])
    assert (found["precision"].pairs, found["precision"].known) == (3 * 4, 0)
    assert "precision" not in planned(folder, {"m": {**model, "precision": "fp32"}})
    assert "precision" not in planned(folder, {"m": model}, quality=False, latency={"batch_sizes": [1]})


def test_rates_that_depend_on_the_capacity_are_counted_beforehand(folder: Path) -> None:
    """As many open loops as shares are configured, although their rates are not known before the closed loops."""
    grid = {"batch_sizes": [1], "calls": 4, "warmup": 1, "offline": {"concurrency": [1]}}
    closed = planned(folder, api(), latency=grid)["latency"].calls
    for server, loops in (({"shares": [0.5, 0.9]}, 2), ({"rates_per_s": [1, 2, 3]}, 3)):
        found = planned(folder, api(), latency={**grid, "server": {**server, "calls": 4}})
        assert found["latency"].calls == closed + loops * 4


def test_a_drift_check_is_planned_with_its_calls(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two calls for each sampled query whose scores are cached; a first run has none to check."""
    use_backends(monkeypatch, m=Backend())
    config = config_of(folder, api(), retriever={"depth": DEPTH}, drift_check={"queries": 2})
    assert [(one.pass_, one.calls) for one in plan(config, tmp_path)] == [
        ("check", 1 + EXCHANGED),
        ("quality", QUERIES),
    ]
    for _ in range(2):
        with execute(config, Origin("plan", None), tmp_path, ResumeOptions()) as made:
            pass
        made.report_html_file.write_text("", encoding="utf-8")
    assert Counter(made.read_calls()["pass"]) == {"check": 4}
    assert [(one.pass_, one.calls) for one in plan(config, tmp_path)] == [("check", 4), ("quality", 0)]
