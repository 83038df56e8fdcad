"""The manifest of an experiment: its facts at the start, and the counts at the end."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.checked import Backend, by_pair
from support.experiments import api, config_for, eval_set, started, use_backends

from evalkit.errors import CallError, Remedy
from evalkit.experiment.context import StartedExperiment
from evalkit.experiment.manifest_facts import closing_manifest, now, opening_manifest
from evalkit.experiment.quality_pass import quality_pass
from evalkit.experiment.run_options import Origin
from evalkit.experiment.sessions import opened
from evalkit.records import RerankRequest, RerankResponse
from evalkit.results.json_shapes import to_plain
from evalkit.results.manifest import Manifest, PairCounts

DATA = eval_set(queries=4, documents=6)
PRICE = {"usd_per_thousand_requests": 10, "as_of": "2026-11-22"}


def opening(
    patch: pytest.MonkeyPatch, into: Path, rerankers: dict[str, Any], *sets: Any, **more: Any
) -> Manifest:
    """Return the manifest of an experiment that starts."""
    use_backends(patch, m=Backend())
    config = config_for(rerankers, **more)
    with started(config, into, *sets) as run, opened(config) as sessions:
        return opening_manifest(run, Origin("evalkit run c.yaml", None), sessions)


def scored(run: StartedExperiment) -> Manifest:
    """Score everything; return the closing manifest."""
    for one in run.eval_sets:
        for session in run.sessions:
            quality_pass(run, session, one)
    return closing_manifest(run, "complete")


def test_a_time_has_its_zone_and_no_fraction() -> None:
    """So that manifests of two machines can be compared."""
    found = datetime.fromisoformat(now())
    assert found.utcoffset() is not None
    assert found.microsecond == 0


def test_an_experiment_that_starts_is_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only its end can tell is empty or unknown, never 0."""
    found = opening(monkeypatch, tmp_path, {"a": api()}, DATA)
    assert (found.status, found.finished, found.resumed, found.refresh) == ("running", None, 0, False)
    assert (found.command, found.name, found.first_stage) == ("evalkit run c.yaml", "t", "bm25")
    assert (found.pairs, found.calls, found.endpoints, found.spent_usd) == ((), {}, {}, None)
    assert found.store == str(tmp_path / "scores.sqlite")


def test_datasets_report_their_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs, shortest and longest list, and the queries that have no candidate, one entry for each dataset."""
    shallow = eval_set(queries=3, documents=2, name="other", without=["q1"])
    nothing = eval_set(queries=1, name="none", without=["q0"])
    facts = opening(monkeypatch, tmp_path, {"a": api()}, DATA, shallow, nothing).datasets
    assert [(one.name, one.empty_queries) for one in facts] == [
        ("tiny", ()),
        ("other", ("q1",)),
        ("none", ("q0",)),
    ]
    lists = [
        (one.candidates.pairs, one.candidates.shortest_list, one.candidates.longest_list) for one in facts
    ]
    assert lists == [(24, 6, 6), (4, 2, 2), (0, 0, 0)]


def test_rerankers_report_what_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether their calls take time, leave the machine and cost something; without a price it is unknown."""
    rerankers = {
        "paid": api(price=PRICE, usd_per_hour=2.5),
        "free": api(),
        "words": {"backend": "lexical"},
        "same": {"backend": "identity"},
    }
    facts = opening(monkeypatch, tmp_path, rerankers, DATA).rerankers
    assert list(facts) == list(rerankers)
    assert {tag: one.timed for tag, one in facts.items()} == {
        "paid": True,
        "free": True,
        "words": True,
        "same": False,
    }
    assert {tag: one.remote for tag, one in facts.items()} == {
        "paid": True,
        "free": True,
        "words": False,
        "same": False,
    }
    assert facts["paid"].price == PRICE
    assert facts["free"].price is None
    assert (facts["paid"].usd_per_hour, facts["free"].usd_per_hour) == (2.5, None)
    assert facts["paid"].score_kind == "probability"


def test_rerankers_report_what_their_scores_mean_and_what_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kind, whether the configuration states it, and the templates; of others nothing is written."""
    rerankers = {
        "stated": api("n", scores="logit", query_template="Q {query}"),
        "plain": api("n", dialect="jina"),
    }
    facts = opening(monkeypatch, tmp_path, rerankers, DATA).rerankers
    assert [(one.score_kind, one.scores_stated) for one in facts.values()] == [
        ("logit", True),
        ("unknown", False),
    ]
    assert to_plain(facts["stated"])["query_template"] == "Q {query}"
    assert to_plain(facts["plain"])["scores_stated"] is False
    assert "query_template" not in to_plain(facts["plain"])


def test_quick_checks_belong_to_rankings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One entry for each dataset; none where only times are measured."""
    assert [one.dataset for one in opening(monkeypatch, tmp_path, {"a": api()}, DATA).preflight] == ["tiny"]
    bench = {"quality": False, "latency": {"batch_sizes": [1]}}
    assert opening(monkeypatch, tmp_path, {"a": api()}, DATA, **bench).preflight == ()


def counts(run: StartedExperiment) -> PairCounts:
    """Score everything; return the counts of the only reranker."""
    (found,) = scored(run).pairs
    return found


def test_pairs_are_scored_reused_or_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three add up to those that were asked, in a first run, a deeper one and one that fails."""
    refused: set[str] = set()

    def answer(request: RerankRequest) -> Any:
        return CallError("reply", "no") if request.query_id in refused else by_pair(request)

    use_backends(monkeypatch, m=Backend(answer))
    with started(config_for({"a": api()}, depths=[2]), tmp_path, DATA) as run:
        first = counts(run)
    refused.add("q3")
    with started(config_for({"a": api()}, depths=[5]), tmp_path, DATA) as run:
        deeper = counts(run)
    assert (first.asked, first.scored, first.reused, first.failed) == (8, 8, 0, 0)
    assert (deeper.asked, deeper.scored, deeper.reused, deeper.failed) == (20, 9, 8, 3)
    assert first.oldest_s is None
    assert deeper.oldest_s is not None


def test_reused_scores_name_the_model_that_gave_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the replies named it then, not as the configuration names it."""

    class Named(Backend):
        """Names its model in every response."""

        def score(self, request: RerankRequest) -> RerankResponse:
            """Score as usual, and name the model."""
            return RerankResponse(super().score(request).scores, model="m-2026")

    use_backends(monkeypatch, m=Named())
    with started(config_for({"a": api()}), tmp_path, DATA) as run:
        first = scored(run)
    with started(config_for({"a": api()}), tmp_path, DATA) as run:
        second = scored(run)
    assert (first.pairs[0].models, first.endpoints["a"].models) == ((), ("m-2026",))
    assert (second.pairs[0].models, second.endpoints["a"].models) == (("m-2026",), ())


def test_what_calls_showed_of_an_endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size that it refused, the calls it had at once, and why it was given up; unknown where nothing showed."""

    def answer(request: RerankRequest) -> Any:
        if len(request.documents) > 3:
            return CallError("http", "too large", http_status=413, remedy=Remedy(too_large=True))
        if request.query_id == "q3":
            return CallError("http", "revoked", remedy=Remedy(permanent=True))
        return by_pair(request)

    use_backends(monkeypatch, m=Backend(answer))
    with started(config_for({"a": api(), "words": {"backend": "lexical"}}), tmp_path, DATA) as run:
        before = closing_manifest(run, "incomplete").endpoints["a"]
        after = scored(run)
    assert (before.lowest_concurrency, before.learned_max_documents, before.given_up) == (None, None, None)
    assert (after.endpoints["a"].lowest_concurrency, after.endpoints["a"].learned_max_documents) == (1, 3)
    assert after.endpoints["a"].given_up == "not sent: 'a' was stopped after this failure: revoked"
    assert after.endpoints["words"].given_up is None
    assert after.calls["a"].failed == 1
    assert after.calls["a"].retried >= 1


@pytest.mark.parametrize(("price", "spent"), [(None, None), (PRICE, 0.04)], ids=["no price", "priced"])
def test_what_was_spent_is_unknown_without_a_price(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, price: dict[str, Any] | None, spent: float | None
) -> None:
    """None, and not 0, which would say that the calls were free."""
    use_backends(monkeypatch, m=Backend())
    blocks = {"a": api(price=price) if price else api(), "same": {"backend": "identity"}}
    with started(config_for(blocks), tmp_path, DATA) as run:
        assert scored(run).spent_usd == (None if spent is None else pytest.approx(spent))


def test_the_start_is_kept_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only status, end and what was measured are new."""
    use_backends(monkeypatch, m=Backend())
    with started(config_for({"a": api()}), tmp_path, DATA) as run:
        found = scored(run)
        kept = (
            "name",
            "command",
            "started",
            "started_s",
            "versions",
            "machine",
            "datasets",
            "rerankers",
            "seed",
        )
        assert {name for name in kept if getattr(found, name) == getattr(run.manifest, name)} == set(kept)
    assert (found.status, found.execution) == ("complete", None)
    assert found.finished is not None
    assert found.finished >= found.started
