"""Every fault of a server ends in the exact scores or in a named failure, and the exit code says which."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pandas as pd
import pytest
from support.collections import write_beir_folder
from support.command import evalkit, only_folder
from support.faults import CASES, RECOVERS, Case
from support.faulty import FaultyServer, honestly

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]

VICTIM, VICTIM_ID = "garden bird", "q2"
KEY = "sk-live-0123456789+/=abcdef"
CONFIG = """\
name: faults
datasets: [{{source: beir_folder, path: {folder}}}]
retriever: {{depth: 5}}
rerankers:
  api: {{backend: http, url: '{url}', model: m, api_key_env: TEST_FAULTS_KEY, concurrency: 2, timeout_s: 1.5,
        retries: 3, retry_wait_s: 0.01, longest_wait_s: 2{more}}}
metrics: [nDCG@10]
"""


def scores_of(results: Path) -> dict[tuple[str, str], float]:
    """Return (query, document) -> score of the API."""
    table = pd.read_parquet(only_folder(results) / "scores.parquet")
    table = table[table.reranker == "api"]
    return dict(zip(zip(table.query_id, table.doc_id, strict=True), table.score, strict=True))


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], float]:
    """Return the scores of a run without any fault."""
    base = tmp_path_factory.mktemp("honest")
    with pytest.MonkeyPatch.context() as patch, FaultyServer(honestly, VICTIM).running() as url:
        patch.setenv("TEST_FAULTS_KEY", KEY)
        config = base / "c.yaml"
        config.write_text(
            CONFIG.format(folder=write_beir_folder(base / "tiny"), url=url, more=""), encoding="utf-8"
        )
        assert evalkit("run", config, "--into", base / "results").returncode == 0
    return scores_of(base / "results")


@pytest.fixture(scope="module")
def table() -> Iterator[list[tuple[str, ...]]]:
    """Collect a row for every fault, and print the table at the end (seen with ``pytest -s``)."""
    rows: list[tuple[str, ...]] = [("fault", "query", "calls", "exit", "as listed")]
    yield rows
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        sys.stdout.write(
            "  ".join(cell.ljust(w) for cell, w in zip(row, [*widths, 0], strict=True)).rstrip() + "\n"
        )


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=pytest.mark.long if case.long else ()) for case in CASES],
)
def test_a_fault_ends_in_exact_scores_or_in_a_named_failure(
    case: Case,
    tmp_path: Path,
    beir_folder: Path,
    honest: dict[tuple[str, str], float],
    table: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Scores are bit-equal to the run without faults, or the query is listed with its cause and the exit is 3.

    No query but the one that was struck loses anything, and the key is in no file and no output.
    """
    monkeypatch.setenv("TEST_FAULTS_KEY", KEY)
    server = FaultyServer(case.fault, VICTIM, case.times)
    config = tmp_path / "c.yaml"
    with server.running() as url:
        config.write_text(CONFIG.format(folder=beir_folder, url=url, more=case.more), encoding="utf-8")
        done = evalkit("run", config, "--into", tmp_path / "results")
    code = done.returncode
    scores = scores_of(tmp_path / "results")
    folder = only_folder(tmp_path / "results")
    failures = [orjson.loads(line) for line in (folder / "failures.jsonl").read_bytes().splitlines()]
    lost = [
        f["message"]
        for f in failures
        if f["status"] != "retried" and f["query_id"] == VICTIM_ID and f["pass"] != "check"
    ]
    listed = lost[0] if lost else ""
    table.append(
        (case.name, "failed" if lost else RECOVERS, str(server.asked[VICTIM]), str(code), listed[:90])
    )

    if case.outcome == RECOVERS:
        assert scores == honest
        assert (code, listed) == (0, "")
    else:
        given_up = case.name.startswith(("401", "402", "another model"))
        expected = {pair: score for pair, score in honest.items() if pair[0] != VICTIM_ID}
        assert given_up or scores == expected
        assert all(honest[pair] == score for pair, score in scores.items())
        assert code == 3
        assert case.outcome in listed
        assert "\n" not in listed
    assert "Traceback" not in done.stderr
    assert_hidden(KEY, done.stdout + done.stderr, tmp_path)


def assert_hidden(key: str, said: str, folder: Path) -> None:
    """Fail if a key stands in what was said or in any file."""
    assert key not in said
    for file in folder.rglob("*"):
        assert not file.is_file() or key.encode() not in file.read_bytes(), file


CODES = (400, 401, 403, 422, 429, 500, 200)
FORMS = ("plain", "quoted", "base64", "url", "header")


@pytest.mark.parametrize(
    ("code", "form"),
    [
        # Each code and each form at least once in the quick tests.
        pytest.param(code, form, marks=() if number % len(FORMS) == place else pytest.mark.long)
        for number, code in enumerate(CODES)
        for place, form in enumerate(FORMS)
    ],
)
def test_a_key_that_a_server_echoes_is_struck_out(
    code: int, form: str, tmp_path: Path, beir_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """Whatever form a server sends a key back in, it reaches no file, no log, no message and no plan."""
    import base64
    from urllib.parse import quote

    forms = {
        "plain": KEY, "quoted": orjson.dumps(KEY).decode(), "base64": base64.b64encode(KEY.encode()).decode(),
        "url": quote(KEY, safe=""), "header": "in the header",
    }  # fmt: skip
    content = orjson.dumps({"error": {"message": f"no such key: {forms[form]}"}})
    header = {"Location": f"/login?key={KEY}"} if form == "header" else {}
    monkeypatch.setenv("TEST_FAULTS_KEY", KEY)
    server = FaultyServer(lambda visit: visit.answer(content, f"{code} Said", **header), VICTIM)
    config = tmp_path / "c.yaml"
    with server.running() as url:
        config.write_text(CONFIG.format(folder=beir_folder, url=url, more=", retries: 1"), encoding="utf-8")
        text = (
            config.read_text().replace("retries: 3, ", "").replace("longest_wait_s: 2", "longest_wait_s: 0.2")
        )
        config.write_text(text, encoding="utf-8")
        planned = evalkit("run", config, "--plan")
        assert planned.returncode == 0
        done = evalkit("run", config, "--into", tmp_path / "results")
        assert any(authorization == f"Bearer {KEY}" for authorization, _ in server.keys)
    said = planned.stdout + planned.stderr + done.stdout + done.stderr
    for shown in {KEY, *forms.values()} - {"in the header"}:
        assert_hidden(shown.strip('"'), said, tmp_path)


def test_an_idempotency_key_names_a_call_over_its_attempts(
    tmp_path: Path, beir_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attempts of one call carry one key, different calls different ones, and a repeated request a new one."""
    monkeypatch.setenv("TEST_FAULTS_KEY", KEY)
    server = FaultyServer(lambda visit: visit.answer(b"", "503 Said"), VICTIM, 2)
    config = tmp_path / "c.yaml"
    with server.running() as url:
        config.write_text(CONFIG.format(folder=beir_folder, url=url, more=""), encoding="utf-8")
        assert evalkit("run", config, "--into", tmp_path / "results").returncode == 0
    keys = [key for _, key in server.keys]
    assert all(keys)
    assert len(keys) - len(set(keys)) == 2, "only the two repeated attempts share a key"
