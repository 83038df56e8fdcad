"""``evalkit probe`` measures what moves the scores of a decision model or a chat model, by known amounts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command import evalkit
from support.stand_in_chat import ChatServer, chain
from support.stand_in_decisions import DecisionServer, hashed_probability
from support.stand_in_forms import FormServer

from evalkit.backend_checks.score_effects import COPY_ITSELF, COPY_OTHERS, NEIGHBOUR, PLACE
from evalkit.backend_checks.wording_effect import WORDING
from evalkit.config import load_config
from evalkit.workflows.probe import LISTS, OTHER_WORDING, PROMISES, prepare_probe
from evalkit.workflows.probe_calibration import PROMISE as CALIBRATION

EFFECTS = {PLACE, NEIGHBOUR, COPY_ITSELF, COPY_OTHERS}
LAST_PROMISE = "scores are in the documented range"
QUERIES, DEPTH = 6, 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a collection in which each document names its query."""
    root = tmp_path_factory.mktemp("effects")
    (root / "qrels").mkdir()
    rows: dict[str, list[dict[str, str]]] = {"queries": [], "corpus": []}
    judged = ["query-id\tcorpus-id\tscore"]
    for query in range(QUERIES + 2):
        rows["queries"].append({"_id": f"q{query}", "text": f"topic{query}"})
        for place in range(DEPTH + 2):
            words = "word " * (3 + place)
            rows["corpus"].append({"_id": f"d{query}-{place}", "text": f"topic{query} {words}number{place}"})
            judged.append(f"q{query}\td{query}-{place}\t{int(place < 2)}")
    for name, lines in rows.items():
        (root / f"{name}.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    (root / "qrels" / "test.tsv").write_text("\n".join(judged) + "\n", encoding="utf-8")
    return root


def config_at(tmp_path: Path, folder: Path, block: str) -> Path:
    """Write a configuration with one reranker."""
    path = tmp_path / "c.yaml"
    path.write_text(
        f"name: t\ndatasets: [{{source: beir_folder, path: {folder}}}]\nretriever: {{depth: {DEPTH}}}\n"
        f"rerankers:\n  m: {{{block}, model: m, retry_wait_s: 0.001}}\n",
        encoding="utf-8",
    )
    return path


def probe(tmp_path: Path, folder: Path, block: str, *words: str) -> tuple[int, dict[str, Any]]:
    """Probe a reranker; return the exit code and the findings by their promises."""
    config = config_at(tmp_path, folder, block)
    done = evalkit("probe", config, "--reranker", "m", "--json", "--queries", str(QUERIES), *words)
    assert "planned: at most" in done.stderr
    return done.returncode, {one["promise"]: one for one in orjson.loads(done.stdout)}


def decisions(url: str, contract: str, shape: str = "list") -> str:
    """Return the block of a decision model."""
    return f"backend: decisions, contract: {contract}, shape: {shape}, url: '{url}'"


def calm(query: str, document: str) -> float:
    """Return a probability that leaves room on both sides."""
    return 0.3 + 0.4 * hashed_probability(query, document)


def moved(place: int, texts: Sequence[str], question: str) -> float:
    """Return what is planted: 0.01 a place, 0.03 by an unrelated document, -0.05 and 0.02 by a copy, 0.06 by words."""
    topics = [text.split()[0] for text in texts if text.split()]
    own = max(topics, key=topics.count)
    foreign = any(own not in text for text in texts)
    twice = texts.count(texts[place]) > 1
    of_copy = -0.05 if twice else 0.02 * (len(set(texts)) < len(texts))
    return -0.01 * place + 0.03 * foreign + of_copy + 0.06 * ("finds what they need" in question)


PLANTED = {
    PLACE: ("from first to last place", -0.01 * (DEPTH - 1)),
    NEIGHBOUR: ("change with its sign", 0.03),
    COPY_ITSELF: ("change with its sign", -0.05),
    COPY_OTHERS: ("change with its sign", 0.02),
    WORDING: ("change with its sign", 0.06),
}


@pytest.mark.parametrize("contract", ["openai", "system_one"])
def test_planted_effects_are_recovered(contract: str, tmp_path: Path, folder: Path) -> None:
    """Each amount is within its interval and named as not met; no promise is broken, so that the exit code is 0."""
    with DecisionServer(contract, probability=calm, shift=moved, shuffled=True).running() as url:
        code, found = probe(tmp_path, folder, decisions(url, contract))
    assert code == 0, [one for one in found.values() if one["verdict"] == "broken"]
    for promise, (name, amount) in PLANTED.items():
        figure = found[promise]["figures"][name]
        assert found[promise]["verdict"] == "not met", found[promise]
        assert figure["estimate"] == pytest.approx(amount, abs=1e-9)
        assert figure["lower"] - 1e-9 <= amount <= figure["upper"] + 1e-9
        assert figure["n"] == QUERIES


@pytest.mark.parametrize("shape", ["list", "single"])
def test_nothing_is_reported_where_nothing_is_planted(shape: str, tmp_path: Path, folder: Path) -> None:
    """All effects are kept; a pointwise shape is one request per document and has no effects of the list."""
    with DecisionServer(probability=calm).running() as url:
        code, found = probe(tmp_path, folder, decisions(url, "openai", shape))
    assert code == 0
    assert found.keys() & EFFECTS == (EFFECTS if shape == "list" else set())
    assert {found[name]["verdict"] for name in found.keys() & {*EFFECTS, WORDING}} == {"kept"}


@pytest.mark.parametrize(("shape", "contract"), [("list", "openai"), ("single", "system_one")])
def test_the_planned_requests_are_those_that_are_sent(
    shape: str, contract: str, tmp_path: Path, folder: Path
) -> None:
    """Exactly so many for what is measured, and at most so many for promises; ``--plan`` sends none."""
    server = DecisionServer(contract, probability=calm)
    with server.running() as url:
        config = config_at(tmp_path, folder, decisions(url, contract, shape))
        shown = evalkit("probe", config, "--reranker", "m", "--plan", "--json", "--queries", str(QUERIES))
        assert not server.bodies
        planned = {row["pass"]: row for row in orjson.loads(shown.stdout)}
        sent_for_promises = 0
        for finding in prepare_probe(load_config(config), "m", QUERIES).run():
            if finding.promise == LAST_PROMISE:
                sent_for_promises = len(server.bodies)
    assert 0 < sent_for_promises <= planned[PROMISES]["requests"]
    assert planned[PROMISES]["at_most"]
    lists = QUERIES * (7 if shape == "list" else 2)
    assert [planned[name]["calls"] for name in (LISTS, OTHER_WORDING)] == [lists, QUERIES]
    measured = sum(planned[name]["requests"] for name in (LISTS, OTHER_WORDING))
    assert len(server.bodies) - sent_for_promises == measured
    assert measured == (lists + QUERIES) * (1 if shape == "list" else DEPTH)


def test_refusals_in_a_list_move_no_score(tmp_path: Path, folder: Path) -> None:
    """The queries whose list has a refused document are left out by number; the others have the planted amounts."""
    refused = frozenset(f"topic{query} {'word ' * 6}number3" for query in (1, 4))
    with DecisionServer(probability=calm, shift=moved, refused=refused, shuffled=True).running() as url:
        _, found = probe(tmp_path, folder, decisions(url, "openai"), "--queries", str(QUERIES + 2))
    for promise, (name, amount) in PLANTED.items():
        figure = found[promise]["figures"][name]
        assert figure["n"] < QUERIES + 2
        assert f"{QUERIES + 2 - figure['n']} of {QUERIES + 2} queries left out" in found[promise]["evidence"]
        assert figure["estimate"] == pytest.approx(amount, abs=1e-9)


def test_calibration_is_measured_on_the_judgments(tmp_path: Path, folder: Path) -> None:
    """Probabilities that claim too much are found; those that are right are not. Bins hold all pairs."""

    def stated(low: float, high: float) -> Any:
        return lambda _query, text: high if int(text.rsplit("number", 1)[1]) < 2 else low

    for probability, verdicts in ((stated(0.6, 0.9), {"not met"}), (stated(0.0, 1.0), {"kept"})):
        with DecisionServer(probability=probability).running() as url:
            _, found = probe(tmp_path, folder, decisions(url, "openai"))
        one = found[CALIBRATION]
        assert {one["verdict"]} == verdicts, one
        assert sum(pairs for pairs, _, _ in one["bins"]) == QUERIES * DEPTH
        error = one["figures"]["expected calibration error"]
        assert error["lower"] <= error["estimate"] <= error["upper"]
    assert error["estimate"] == 0


def test_a_wording_may_be_given(tmp_path: Path, folder: Path) -> None:
    """It is asked instead of evalkit's own second one; one that cannot be asked is refused before anything is sent."""
    server = DecisionServer(probability=calm)
    with server.running() as url:
        _, found = probe(tmp_path, folder, decisions(url, "openai"), "--wording", "Is {document} any good?")
        asked = {question["instructions"] for body in server.bodies for question in body["questions"]}
        assert any(one.startswith("Is documents.D00 any good?") for one in asked)
        assert not any("finds what they need" in one for one in asked)
        assert found[WORDING]["verdict"] == "kept"
        sent = len(server.bodies)
        config = config_at(tmp_path, folder, decisions(url, "openai"))
        wrong = evalkit("probe", config, "--reranker", "m", "--wording", "Is it good?")
        own = evalkit(
            "probe", config, "--reranker", "m", "--json", "--set", "rerankers.m.question=Good {document}?"
        )
    assert wrong.returncode == 2
    assert "{document}" in wrong.stderr
    assert len(server.bodies) > sent
    evidence = {one["promise"]: one["evidence"] for one in orjson.loads(own.stdout)}[WORDING]
    assert evidence == "question is not evalkit's own: give another one with --wording"
    config.write_text(
        config.read_text(encoding="utf-8").replace("m: {", "m: {backend: lexical} #"), encoding="utf-8"
    )
    silent = evalkit("probe", config, "--reranker", "m", "--wording", "x")
    assert silent.returncode == 2
    assert "asks a model nothing in words" in silent.stderr


def by_length(_query: str, document: str) -> float:
    """Return a relevance that falls with the length."""
    return 1 - len(document) / 1000


@pytest.mark.parametrize(("form", "more"), [("first_token", ""), ("pairwise", ", top: 8")])
def test_an_honest_chat_model_is_moved_by_nothing(form: str, more: str, tmp_path: Path, folder: Path) -> None:
    """Its ranks are the same in any order and with any other document; ranks have no calibration."""
    with FormServer(by_length).running() as url:
        _, found = probe(tmp_path, folder, f"backend: chat, form: {form}, url: '{url}'{more}")
    assert {found[name]["verdict"] for name in {*EFFECTS, WORDING}} == {"kept"}
    assert found[CALIBRATION]["verdict"] == "not testable"


def test_a_chat_model_that_prefers_the_first_document_is_found(tmp_path: Path, folder: Path) -> None:
    """Pairs in both orders contradict each other, so that the order of the list is the ranking."""
    with FormServer(by_length, prefers_first=True).running() as url:
        _, found = probe(tmp_path, folder, f"backend: chat, form: pairwise, url: '{url}'")
    assert found[PLACE]["verdict"] == "not met"
    assert found[PLACE]["figures"]["from first to last place"]["estimate"] == pytest.approx(DEPTH - 1)


@pytest.mark.parametrize(
    ("says", "verdict"), [(chain, "kept"), (lambda order: chain(sorted(order)), "not met")]
)
def test_listwise_ranks_are_measured(says: Any, verdict: str, tmp_path: Path, folder: Path) -> None:
    """An honest model sorts any order alike; one that answers in the order of the list is found, in ranks."""
    with ChatServer(relevance=by_length, says=says).running() as url:
        _, found = probe(tmp_path, folder, f"backend: listwise, url: '{url}'")
    assert found[PLACE]["verdict"] == verdict
    assert "ranks" in found[PLACE]["evidence"]


def test_a_probe_is_read_by_people(tmp_path: Path, folder: Path) -> None:
    """The plan and the requests before the calls; a table of reliability, and how many are not met, after."""
    with DecisionServer(probability=calm, shift=moved).running() as url:
        words = ("probe", config_at(tmp_path, folder, decisions(url, "openai")), "--reranker", "m")
        plan = evalkit(*words, "--plan", "--queries", "4")
        done = evalkit(*words, "--queries", "4")
    assert plan.returncode == done.returncode == 0, done.stderr
    assert "+ 28 requests (lists) + 4 requests (wording)" in plan.stdout
    assert "+ 28 requests (lists) + 4 requests (wording)" in done.stderr
    assert "reliability of m" in done.stdout
    assert "properties that it does not promise are not met" in done.stdout
