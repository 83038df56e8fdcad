"""The decision server of another project, `decide serve` of pydecide: reranker, judge and whole runs against it.

An optional job (``make servers``): pydecide is in an environment of its own below the folder that EVALKIT_SERVERS
names, and answers with a tiny cross-encoder of random weights made on the spot.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np
import orjson
import pandas as pd
import pytest
from support.command import evalkit, only_folder

from evalkit.config import validate_block
from evalkit.errors import CallError
from evalkit.judges import open_judge
from evalkit.records import RerankRequest
from evalkit.rerankers import load_reranker

HERE = Path(__file__).parent
KEY = "sk-decide-0123456789"
START_LIMIT_S = 180
QUERY = "how do I reset my password"
DOCUMENTS = ("Reset it in the settings.", "", "Billing " * 40, "Passwort zurücksetzen 重置密码")
CONFIG = """\
name: decide
datasets: [{{source: demo, sample: {{queries: 5, seed: 1}}}}]
retriever: {{depth: 10}}
rerankers:
  one: {{backend: decisions, contract: system_one, shape: single, url: "{url}", model: crossencoder,
        expect_model: any, api_key_env: DECIDE_KEY, concurrency: 2}}
"""
JUDGE = """\
judges:
  it: {{backend: decisions, contract: system_one, url: "{url}", model: crossencoder, expect_model: any,
       api_key_env: DECIDE_KEY, concurrency: 2}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a tiny cross-encoder; yield the address of the host."""
    folder = Path(os.environ.get("EVALKIT_SERVERS", "")).absolute() / "decide" / "bin"
    if not os.environ.get("EVALKIT_SERVERS") or not (folder / "decide").exists():
        pytest.skip("EVALKIT_SERVERS has no environment with pydecide (make servers)")
    home = tmp_path_factory.mktemp("decide")
    subprocess.run(
        [folder / "python", HERE / "make_bert.py", home / "model", "1024"], check=True, timeout=START_LIMIT_S
    )
    options = {"crossencoder": {"model": str(home / "model"), "device": "cpu"}}
    (home / "decide.json").write_bytes(orjson.dumps({"backends": ["crossencoder"], "options": options}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        folder / "decide",
        "serve",
        "--config",
        home / "decide.json",
        "--port",
        str(port),
        "--api-key",
        KEY,
    ]
    with (home / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, cwd=home, stdout=log, stderr=log)
        try:
            _wait_for(f"http://127.0.0.1:{port}/health", process, home / "log.txt")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"the server did not start within {START_LIMIT_S} s: {log.read_text()}")


@pytest.fixture
def common(server: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the settings of a reranker and of a judge."""
    monkeypatch.setenv("DECIDE_KEY", KEY)
    return {
        "backend": "decisions", "contract": "system_one", "url": server, "model": "crossencoder",
        "expect_model": "any", "api_key_env": "DECIDE_KEY",
    }  # fmt: skip


def request_of(*documents: str) -> RerankRequest:
    """Return a request for some documents."""
    return RerankRequest("q", QUERY, documents, tuple(map(str, range(len(documents)))))


def test_both_shapes_score_every_document(common: dict[str, str]) -> None:
    """Each document has a probability of its own; one request per document repeats exactly whatever else is asked."""
    for shape in ("list", "single"):
        reranker = load_reranker(**common, shape=shape)
        response = reranker.score(request_of(*DOCUMENTS))
        assert response.scores.shape == (len(DOCUMENTS),)
        assert ((response.scores > 0) & (response.scores < 1)).all()
        if shape == "single":
            assert len(set(response.scores.tolist())) == len(DOCUMENTS)
            turned = reranker.score(request_of(*DOCUMENTS[::-1])).scores[::-1]
            np.testing.assert_allclose(turned, response.scores, atol=1e-6)
        assert response.model is not None
        assert response.model.endswith("model")
        reranker.close()


def test_a_judge_keeps_the_whole_distribution(common: dict[str, str]) -> None:
    """The grade is the expected level of the probabilities that the server sent; the rater is the model it names."""
    judge = open_judge(validate_block("judge backend", common))
    responses = [judge.score(request_of(text)) for text in DOCUMENTS]
    judge.close()
    for response in responses:
        sent = orjson.loads(response.raw)["probabilities"]
        expected = sum(int(level) * share for level, share in sent.items())
        assert response.scores == pytest.approx([expected])
        assert judge.rater(response).name == response.model
    assert len({float(response.scores[0]) for response in responses}) > 1


def test_a_wrong_key_and_a_wrong_contract_are_named(common: dict[str, str]) -> None:
    """A refused key names its variable; a request of the other contract gets the setting to change."""
    wrong = {**common, "api_key_env": "PATH"}
    with (
        closing(load_reranker(**wrong, shape="list")) as one,
        pytest.raises(CallError, match="401") as refused,
    ):
        one.score(request_of("a"))
    assert "PATH" in str(refused.value.hint)
    other = {**common, "contract": "openai", "url": f"{common['url']}/v1/systemone"}
    with (
        closing(load_reranker(**other, shape="list")) as one,
        pytest.raises(CallError, match="400") as misread,
    ):
        one.score(request_of("a"))
    assert "contract: system_one" in str(misread.value.hint)


@pytest.mark.parametrize("shape", ["single", "list"])
def test_a_probe_measures_both_shapes(common: dict[str, str], tmp_path: Path, shape: str) -> None:
    """One request for each document keeps every promise. In a list this model sees only the first documents.

    All scores of a list are then equal but for rounding, which is no scale for the effect of a copy or a neighbour.
    """
    config = CONFIG.format(url=common["url"]).replace("shape: single", f"shape: {shape}")
    (tmp_path / "run.yaml").write_text(config, encoding="utf-8")
    done = evalkit("probe", "run.yaml", "--reranker", "one", "--json", cwd=tmp_path)
    found = {row["promise"]: row["verdict"] for row in orjson.loads(done.stdout)}
    broken = {promise for promise, verdict in found.items() if verdict == "broken"}
    if shape == "single":
        assert (done.returncode, broken) == (0, set()), done.stderr
        assert found["the score of a pair does not depend on its list (pointwise)"] == "kept"
    else:
        assert done.returncode == 3
        assert "scores depend on the document" in broken
        effects = {verdict for promise, verdict in found.items() if "copy of a document" in promise}
        assert effects == {"not testable"}


def test_a_run_measures_the_server(common: dict[str, str], tmp_path: Path) -> None:
    """A whole run scores every candidate, and the table of scores has one probability for each."""
    (tmp_path / "run.yaml").write_text(CONFIG.format(url=common["url"]), encoding="utf-8")
    done = evalkit("run", tmp_path / "run.yaml", "--into", tmp_path / "results")
    assert done.returncode == 0, done.stderr
    scores = pd.read_parquet(next((only_folder(tmp_path / "results")).rglob("scores*.parquet")))
    ours = scores[scores["reranker"] == "one"]
    assert len(ours) == 5 * 10
    assert ours["score"].between(0, 1).all()
    assert ours["score"].nunique() > 5


def test_from_a_run_to_judgments_and_a_verdict(common: dict[str, str], tmp_path: Path) -> None:
    """One server as the reranker of a run, as the judge of its pool, and as what the next run is evaluated with."""
    judge = CONFIG.format(url=common["url"]) + JUDGE.format(url=common["url"])
    (tmp_path / "run.yaml").write_text(judge, encoding="utf-8")
    done = evalkit("run", "run.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    words = ("judge", "run", "run.yaml", "--judge", "it", "--all")
    (planned,) = orjson.loads(evalkit(*words, "--plan", "--json", cwd=tmp_path).stdout)
    done = evalkit(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    file = tmp_path / "judgments" / "demo.it.jsonl"
    rows = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    assert len({(row["query_id"], row["doc_id"]) for row in rows}) == len(rows) == planned["calls"] >= 50
    for row in rows:
        shares = orjson.loads(row["raw"])["probabilities"]
        assert row["grade"] == pytest.approx(sum(int(level) * share for level, share in shares.items()))
        assert (row["rater"]["kind"], row["rater"]["scale"][:2]) == ("model", "0:")
    assert len({row["grade"] for row in rows}) > len(rows) / 2
    assert "0 graded" in evalkit(*words, cwd=tmp_path).stdout
    (tmp_path / "run.yaml").write_text(
        judge.replace("seed: 1}", "seed: 1}, judgments: [{judge: it}]"), "utf-8"
    )
    done = evalkit("run", "run.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    newest = max((tmp_path / "results" / "decide").glob("2*"))
    values = pd.read_parquet(newest / "values.parquet")
    assert set(values["reranker"]) >= {"one"}
    own, listed = orjson.loads(evalkit("judge", "list", "run.yaml", "--json", cwd=tmp_path).stdout)
    assert (own["rater"], listed["order"], listed["pairs"], listed["failed"]) == ("qrels", 2, len(rows), 0)
