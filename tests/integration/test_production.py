"""From a result to production: ``tune all`` writes settings, and ``serve --apply`` answers by them."""

from __future__ import annotations

from pathlib import Path

import httpx
import orjson
import pytest
from support.command import evalkit, serving

pytestmark = pytest.mark.usefixtures("blank_plots")

CONFIG = """\
name: tuned
datasets: [demo]
retriever: {depth: 20}
rerankers:
  words: {backend: lexical}
  other: {backend: lexical, title_weight: 1}
"""


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a configuration and a result of it."""
    folder = tmp_path_factory.mktemp("tuned")
    (folder / "c.yaml").write_text(CONFIG, encoding="utf-8")
    done = evalkit("run", folder / "c.yaml", "--into", folder / "results")
    assert done.returncode == 0, done.stderr
    return folder


def test_settings_of_a_result_are_served(tuned: Path) -> None:
    """Documents below the threshold and after the depth are not returned; another reranker is refused."""
    file = tuned / "production.json"
    goal = ("--reranker", "words", "--goal", "recall>=0.6", "--save", file)
    done = evalkit("tune", "all", tuned / "results", *goal)
    assert done.returncode == 0, done.stderr
    (rule,) = orjson.loads(file.read_bytes())["rerankers"]
    shown = " ".join(done.stdout.split())
    for text in ("reranker words", f"depth {rule['depth']}", f"threshold {rule['threshold']!r}"):
        assert text in shown
    assert f"--apply {file}" in shown.replace(" ", "") or str(file) in "".join(done.stdout.split())
    documents = ["reset your password", "cats and dogs", "a password is a secret word"] * 8
    body = {"model": "any", "query": "how do I reset my password", "documents": documents}
    words = (str(tuned / "c.yaml"), "--reranker", "words", "--apply", str(file))
    with serving(*words) as address, serving(*words[:3]) as plain:
        applied = httpx.post(address, json=body).json()["results"]
        scored = httpx.post(plain, json=body).json()["results"]
    assert len(scored) == len(documents)
    indices = {row["index"] for row in applied}
    assert indices
    assert all(index < rule["depth"] for index in indices)
    assert 1 not in indices, "nothing in common with the query"
    wrong = evalkit("serve", tuned / "c.yaml", "--reranker", "other", "--apply", file)
    assert wrong.returncode == 2, wrong.stdout
    assert "words" in wrong.stderr


def test_limits_that_nothing_is_known_to_keep_give_no_settings(tuned: Path) -> None:
    """Without a latency pass no latency is known; the file says why, and no block is printed."""
    file = tuned / "none.json"
    done = evalkit("tune", "all", tuned / "results", "--max-p95-ms", "50", "--save", file)
    assert done.returncode == 0, done.stderr
    assert "no settings" in done.stdout
    assert "--apply" not in done.stdout
    assert all(rule["why_not"] for rule in orjson.loads(file.read_bytes())["rerankers"])
