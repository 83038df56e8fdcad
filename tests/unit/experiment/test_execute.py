"""A whole experiment in this process: what each end leaves behind, and what the next session makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.api_runs import visible, write_collection
from support.checked import Backend, by_pair
from support.configs import config_of
from support.experiments import api, use_backends

from evalkit.config import Config, resolved_yaml
from evalkit.errors import BudgetError, CallError, InterruptError, Remedy, StorageError
from evalkit.experiment.execute import execute
from evalkit.experiment.experiment_store import ExperimentStore, read_store
from evalkit.experiment.run_options import Origin, ResumeOptions
from evalkit.records import RerankRequest
from evalkit.results.folder import ResultFolder

QUERIES, DEPTH = 5, 6
CENT = {"usd_per_thousand_requests": 10, "as_of": "2026-11-22"}
Patch = pytest.MonkeyPatch


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a collection in which every query has six candidates."""
    return write_collection(tmp_path_factory.mktemp("execute") / "small", QUERIES)


def config_on(small: Path, rerankers: dict[str, Any] | None = None, **more: Any) -> Config:
    """Return a configuration with one API."""
    return config_of(small, rerankers or {"a": api()}, **{"retriever": {"depth": DEPTH}, **more})


def executed(config: Config, into: Path, **options: Any) -> ResultFolder:
    """Execute an experiment."""
    with execute(config, Origin("the command", None), into, ResumeOptions(**options)) as folder:
        return folder


def only_result(into: Path) -> ResultFolder:
    """Return the one result folder."""
    (path,) = visible(into)
    return ResultFolder(path)


def sent(backend: Backend) -> Counter[tuple[str, str]]:
    """Return how often each pair was sent, without the test call, which has one document."""
    return Counter(
        (one.query, text) for one in backend.asked if len(one.documents) > 1 for text in one.documents
    )


def ending(number: int, error: BaseException) -> Callable[[RerankRequest], Any]:
    """Answer until the call with this number, which raises an error; answer again afterwards."""
    calls = iter(range(1, 10_000))

    def answer(request: RerankRequest) -> Any:
        if next(calls) == number:
            raise error
        return by_pair(request)

    return answer


def journal(config: Config, into: Path, folder: ResultFolder) -> int:
    """Return the number of records in the journal of a folder."""
    with read_store(config, into) as store:
        return len(store.journal(folder, folder.read_manifest().sessions))


def test_a_complete_experiment_has_raw_tables_and_no_journal(
    small: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    """Configuration, judgments, queries, texts and the log are in the folder; the report is not built here."""
    use_backends(monkeypatch, m=Backend())
    config = config_on(small)
    folder = executed(config, tmp_path)
    manifest = folder.read_manifest()
    assert (manifest.status, manifest.resumed, manifest.command) == ("complete", 0, "the command")
    assert folder.config_file.read_text(encoding="utf-8") == resolved_yaml(config)
    assert len(folder.read_queries("small")) == QUERIES
    assert folder.read_qrels("small").count() == QUERIES
    assert folder.read_texts("small")
    scores = folder.read_scores()
    assert Counter(scores["reranker"]) == {"bm25": QUERIES * DEPTH, "a": QUERIES * DEPTH}
    messages = [orjson.loads(line)["message"] for line in folder.log_file.read_bytes().splitlines()]
    assert messages == ["quality pass: a on small", f"done: {1 + QUERIES} calls, 0 failed"]
    assert journal(config, tmp_path, folder) == 0
    assert not folder.report_html_file.exists()


def test_the_configuration_file_is_kept_byte_for_byte(
    small: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    """Comments included; the resolved configuration is a file of its own."""
    use_backends(monkeypatch, m=Backend())
    config, file = config_on(small), b"# mine\r\n\xef\xbb\xbf"
    with execute(config, Origin("run", file), tmp_path, ResumeOptions()) as folder:
        pass
    assert folder.config_file.read_bytes() == file
    assert folder.resolved_config_file.read_text(encoding="utf-8") == resolved_yaml(config)


def test_a_test_call_that_fails_writes_nothing(small: Path, tmp_path: Path, monkeypatch: Patch) -> None:
    """Neither a result folder nor a store."""
    use_backends(monkeypatch, m=Backend(ending(1, CallError("http", "bad key"))))
    with pytest.raises(CallError):
        executed(config_on(small), tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_a_failed_query_makes_a_result_incomplete(small: Path, tmp_path: Path, monkeypatch: Patch) -> None:
    """The failure is listed, the journal stays, and the same command asks for that query alone."""
    backend = Backend(ending(3, CallError("reply", "no score")))
    use_backends(monkeypatch, m=backend)
    config = config_on(small)
    first = executed(config, tmp_path)
    assert first.read_manifest().status == "incomplete"
    (failure,) = first.read_failures()
    assert (failure.query_id, failure.message) == ("q1", "no score")
    assert journal(config, tmp_path, first) > 0
    again = executed(config, tmp_path)
    manifest = again.read_manifest()
    assert again.path == first.path
    assert (manifest.status, manifest.resumed) == ("complete", 1)
    assert {query: count for (query, _), count in sent(backend).items() if count > 1} == {"topic1": 2}
    assert len(again.read_failures()) == 1, "the record of the first session is kept"


def test_an_interrupt_keeps_what_was_measured(small: Path, tmp_path: Path, monkeypatch: Patch) -> None:
    """Every answered call is kept, and nothing else; a resumed run repeats the interrupted call alone.

    A thread may send the next query before the interrupt reaches the thread that records. The message names the folder
    and both ways on.
    """
    backend = Backend(ending(4, KeyboardInterrupt()))
    use_backends(monkeypatch, m=backend)
    config = config_on(small)
    with pytest.raises(InterruptError, match="interrupted; partial results:") as raised:
        executed(config, tmp_path)
    folder = only_result(tmp_path)
    assert str(folder.path) in raised.value.message
    assert raised.value.hint == (
        f"resume with: the command; view the partial results with: evalkit report {folder.path} --allow-incomplete"
    )
    assert folder.read_manifest().status == "incomplete"
    done = sent(backend)
    answered = {query.replace("topic", "q") for query, _ in done} - {"q2"}
    assert set(folder.read_scores_of("small", "a")["query_id"]) == answered
    assert {"q0", "q1"} <= answered <= {"q0", "q1", "q3"}
    assert executed(config, tmp_path).read_manifest().status == "complete"
    repeated = {query for (query, _), count in sent(backend).items() if count > 1}
    assert repeated == {"topic2"}, "the call that the interrupt ended, and no other"
    assert sum(done.values()) < sum(sent(backend).values())


def test_a_budget_that_is_spent_says_how_to_go_on(small: Path, tmp_path: Path, monkeypatch: Patch) -> None:
    """What was spent is in the manifest and counts when the run is resumed: it makes no further call."""
    backend = Backend()
    use_backends(monkeypatch, m=backend)
    config = config_on(small, {"a": api(price=CENT)}, budget={"usd": 0.035})
    for _ in range(2):
        with pytest.raises(BudgetError, match="partial results: ") as raised:
            executed(config, tmp_path)
        assert raised.value.hint is not None
        assert raised.value.hint.endswith("; then resume with: the command")
        assert len(backend.asked) == 3
        assert only_result(tmp_path).read_manifest().spent_usd == pytest.approx(0.03)
    assert only_result(tmp_path).read_manifest().status == "incomplete"


def test_a_store_that_fails_ends_the_run_with_its_tables(
    small: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    """The error of the store, with the folder; scores in memory are written."""
    real = ExperimentStore.keep
    calls = iter(range(100))

    def full(store: ExperimentStore, *args: Any) -> None:
        if next(calls) == 3:
            raise StorageError("no space", "free some")
        real(store, *args)

    use_backends(monkeypatch, m=Backend())
    monkeypatch.setattr(ExperimentStore, "keep", full)
    with pytest.raises(StorageError, match="no space; partial results:") as raised:
        executed(config_on(small), tmp_path)
    assert raised.value.hint == "free some; then resume with: the command"
    assert only_result(tmp_path).read_manifest().status == "incomplete"
    assert len(only_result(tmp_path).read_scores_of("small", "a")["score"]) >= 2 * DEPTH


def test_a_bug_leaves_a_failed_result(small: Path, tmp_path: Path, monkeypatch: Patch) -> None:
    """The exception reaches the caller unchanged; the log has its traceback, and the tables are written."""
    use_backends(monkeypatch, m=Backend(ending(3, ValueError("a bug"))))
    with pytest.raises(ValueError, match="a bug"):
        executed(config_on(small), tmp_path)
    folder = only_result(tmp_path)
    assert folder.read_manifest().status == "failed"
    last = orjson.loads(folder.log_file.read_bytes().splitlines()[-1])
    assert "ValueError: a bug" in last["traceback"]
    assert len(folder.read_calls()) == 2


def test_a_folder_that_lacks_only_its_report_asks_for_nothing(
    small: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    """Everything was measured, in an earlier session: the manifest says so. With a refresh all is asked again."""
    backend = Backend()
    use_backends(monkeypatch, m=backend)
    first = executed(config_on(small), tmp_path)
    (fresh,), calls = first.read_manifest().pairs, len(backend.asked)
    assert executed(config_on(small), tmp_path).path == first.path
    manifest = first.read_manifest()
    (pairs,) = manifest.pairs
    assert (len(backend.asked), manifest.resumed, len(manifest.sessions)) == (calls, 1, 2)
    assert (fresh.resumed, pairs.resumed, pairs.oldest_s) == (0, fresh.asked, manifest.started_s)
    (refreshed,) = (executed(config_on(small), tmp_path / "r", refresh=True) for _ in range(1))
    assert executed(config_on(small), tmp_path / "r", refresh=True).path != refreshed.path


def test_a_finished_folder_is_left_and_its_scores_are_reused(
    small: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    """A new folder without a call; with a refresh, a third one for which all is asked again."""
    backend = Backend()
    use_backends(monkeypatch, m=backend)
    for refresh, calls in ((False, 1 + QUERIES), (False, 1 + QUERIES), (True, 2 * (1 + QUERIES))):
        folder = executed(config_on(small), tmp_path, refresh=refresh)
        folder.report_html_file.write_text("", encoding="utf-8")
        assert len(backend.asked) == calls
        (counts,) = folder.read_manifest().pairs
        assert counts.asked == counts.scored + counts.reused == QUERIES * DEPTH
    assert len(visible(tmp_path)) == 3


def test_every_dataset_is_scored_by_every_reranker_in_turn(
    small: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    """Dataset by dataset, reranker by reranker; equal texts in two datasets are asked for once."""
    one, two = Backend(), Backend()
    use_backends(monkeypatch, one=one, two=two)
    block = {"source": "beir_folder", "path": str(small)}
    rerankers = {"a": api("one"), "b": api("two")}
    config = config_on(small, rerankers, datasets=[{**block, "name": "x"}, {**block, "name": "y"}])
    manifest = executed(config, tmp_path).read_manifest()
    order = [(entry.dataset, entry.reranker) for entry in manifest.quality_passes]
    assert order == [("x", "a"), ("x", "b"), ("y", "a"), ("y", "b")]
    assert set(sent(one).values()) == set(sent(two).values()) == {1}
    assert {(entry.scored, entry.failed) for entry in manifest.quality_passes} == {(QUERIES, ())}


def test_a_reranker_that_was_given_up_is_in_the_log_and_the_manifest(
    small: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    """After a failure that all further calls would share, no more calls are made; other rerankers go on."""
    closed = Backend(ending(2, CallError("http", "key revoked", remedy=Remedy(permanent=True))))
    use_backends(monkeypatch, one=closed, two=Backend())
    folder = executed(config_on(small, {"a": api("one"), "b": api("two")}), tmp_path)
    manifest = folder.read_manifest()
    assert manifest.status == "incomplete"
    assert len(closed.asked) == 2
    given_up = manifest.endpoints["a"].given_up
    assert given_up == "not sent: 'a' was stopped after this failure: key revoked"
    assert manifest.endpoints["b"].given_up is None
    warnings = [
        event["message"]
        for line in folder.log_file.read_bytes().splitlines()
        if (event := orjson.loads(line))["level"] == "warning"
    ]
    assert warnings == [given_up]
    assert Counter(one.status for one in folder.read_failures()) == {"failed": 1, "not sent": QUERIES - 1}


@pytest.mark.parametrize(
    "more", [{"keep_texts": False}, {"quality": False, "latency": {"batch_sizes": [1], "calls": 2}}], ids=str
)
def test_texts_are_kept_only_for_rankings_that_may_show_them(
    small: Path, tmp_path: Path, monkeypatch: Patch, more: dict[str, Any]
) -> None:
    """Not where the configuration forbids it, and not where only times are measured."""
    use_backends(monkeypatch, m=Backend())
    folder = executed(config_on(small, **more), tmp_path)
    assert folder.read_manifest().status == "complete"
    assert not folder.texts_file.exists()
