"""``evalkit judge rate``: its server, as programs and strangers' pages reach it, and what is left when it is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.command import ROOT, evalkit, evalkit_process
from support.hostile import TEXTS, write_good_run, write_hostile_folder
from support.rating import judgments_of, rating, write_pairs

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytestmark = pytest.mark.long

PAIRS = [(f"query {q}", f"document {d} of query {q}") for q in range(3) for d in range(4)]
CONFIG = """\
name: hostile
datasets: [{{source: beir_folder, path: {folder}, human_sample: {{queries: 5}}}}]
retriever: {{depth: 11}}
rerankers:
  good: {{backend: replay, path: {run}}}
judges:
  one: {{backend: replay, path: {folder}/qrels/test.tsv, scale: ["Bad: off", "Good: it"], instruction: "Be fair."}}
"""


def post(address: str, body: object, **headers: str) -> httpx.Response:
    """Send a click."""
    return httpx.post(
        f"{address}click",
        content=body if isinstance(body, bytes) else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **headers},
    )


def click(
    address: str, rater: str, action: str, view: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Click as the page does, and return what it shows next."""
    target: dict[str, Any] = {}
    if view is not None:
        target = (
            view["undo"] if action == "undo" else {"task": view["task"]["key"], "turn": view["task"]["turn"]}
        )
    reply = post(address, {"rater": rater, "action": action, **target, **more})
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a table of pairs."""
    return write_pairs(tmp_path / "pairs.jsonl", PAIRS)


def test_only_the_page_itself_can_read_and_write(table: Path) -> None:
    """Without the token, from other pages, under other names and with other bodies nothing is read or written."""
    with rating(table) as page:
        root = page.address.rsplit("/", 2)[0]
        body = {"rater": "anna", "action": "open"}
        assert httpx.get(f"{root}/").status_code == 404
        assert post(f"{root}/{'0' * 32}/", body).status_code == 404
        assert httpx.get(page.address, headers={"Host": "evil.example"}).status_code == 421
        assert post(page.address, body, Host="evil.example").status_code == 421
        assert post(page.address, body, Origin="http://evil.example").status_code == 403
        assert post(page.address, body, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert post(page.address, body, **{"Content-Type": "text/plain"}).status_code == 415
        assert httpx.get(f"{page.address}click").status_code in {404, 405}
        for wrong in (b"{", b"[]", b'{"rater":"a"}', b'{"rater":"a","action":"open","more":1}', b"\xff"):
            assert post(page.address, wrong).status_code == 422
        assert post(page.address, b" " * 200_000).status_code == 413
        assert post(page.address, {**body, "rater": "\u202e"}).status_code == 422
        assert post(page.address, body).status_code == 200
    assert judgments_of(table) == []


def test_the_page_needs_nothing_from_elsewhere(table: Path) -> None:
    """One document with its styles and scripts, under a policy that allows these alone, and that no frame can hold."""
    with rating(table, "--rater", "Anna <b>&\"'") as page:
        reply = httpx.get(page.address)
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'nonce-")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert reply.headers["Cache-Control"] == "no-store"
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert (
        reply.text.count(f'nonce="{nonce}"') == reply.text.count("<script") + reply.text.count("<style") == 3
    )
    assert " src=" not in reply.text
    assert "http" not in reply.text.replace(page.address, "")
    assert "innerHTML" not in reply.text
    assert "<b>&" not in reply.text


def test_a_killed_server_loses_nothing(table: Path) -> None:
    """After SIGKILL and a restart at the same address each answer is there once; the last click can be sent again."""
    with rating(table, "--port", "0") as page:
        view = click(page.address, "anna", "open")
        for grade in range(3):
            last = view
            view = click(page.address, "anna", "grade", view, grade=grade)
        port, address = page.port, page.address
        page.kill()
    with rating(table, port=port) as page:
        assert page.address == address
        again = click(page.address, "anna", "grade", last, grade=2)
        assert again["task"] == view["task"]
        while view["task"]:
            view = click(page.address, "anna", "grade", view, grade=3)
        printed = page.stop()
        assert page.process.returncode == 0
    assert "anna: 12 graded, 0 skipped" in printed
    assert "next: evalkit judge export" in printed
    judgments = judgments_of(table)
    assert len(judgments) == len({one.pair for one in judgments}) == 12
    assert [one.grade for one in judgments[:3]] == [0, 1, 2]


def test_ctrl_c_prints_counts_and_the_next_step(table: Path) -> None:
    """The exit code is 0, and the command to go on is printed."""
    with rating(table, "--rater", "anna") as page:
        view = click(page.address, "anna", "open")
        view = click(page.address, "anna", "grade", view, grade=1)
        click(page.address, "anna", "skip", view)
        printed = page.stop()
        assert page.process.returncode == 0
    assert "anna: 1 graded, 1 skipped" in printed
    assert "11 of 12 documents are not graded by a person" in printed
    assert f"next: evalkit judge rate {table}" in printed


def test_two_raters_share_the_pairs(table: Path) -> None:
    """Two raters at once grade each pair once, with overlap twice; agreement is shown after the grades."""
    for flags, each in (((), 12), (("--overlap", "1"), 24)):
        with rating(table, *flags) as page:
            views = {name: click(page.address, name, "open") for name in ("anna", "ben")}
            while any(view["task"] for view in views.values()):
                for name, view in views.items():
                    if view["task"]:
                        views[name] = click(page.address, name, "grade", view, grade=2)
                    else:
                        views[name] = click(page.address, name, "open")
        judgments = judgments_of(table)
        assert len(judgments) == len({(one.pair, one.rater.name) for one in judgments}) == each
        assert len({one.pair for one in judgments}) == 12
    assert views["ben"]["agreement"] == {"pairs": 12, "equal": 12, "within_one": 12}


def test_a_configuration_is_rated_to_its_pools(tmp_path: Path) -> None:
    """The pool is rated on the scale and with the instruction of the first judge, and hostile texts stay texts."""
    folder = write_hostile_folder(tmp_path / "hostile")
    config = tmp_path / "c.yaml"
    run = write_good_run(folder, tmp_path / "good.trec")
    config.write_text(CONFIG.format(folder=folder, run=run), encoding="utf-8")
    with rating(config, "--rater", "anna") as page:
        html = httpx.get(page.address).text
        assert "Be fair." in html
        view = click(page.address, "anna", "open")
        for _ in range(12):
            shown = "".join(view["task"]["document"])
            assert any(shown == f"{text} common words" for text in TEXTS)
            view = click(page.address, "anna", "grade", view, grade=1)
        assert (
            post(
                page.address, {"rater": "anna", "action": "grade", "grade": 2, "task": view["task"]["key"]}
            ).status_code
            == 422
        )
        printed = page.stop()
    file = tmp_path / "judgments" / "hostile.people.jsonl"
    assert f"add to dataset 'hostile' of {config}: judgments: [{{path: {file}}}]" in printed
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 12
    assert json.loads(lines[0])["rater"]["scale"] == "0: Bad: off\n1: Good: it"


@pytest.mark.parametrize(
    ("name", "content", "flags", "expected"),
    [
        ("missing.csv", None, (), "file not found"),
        ("empty.csv", "query,document\n", (), "has no rows"),
        ("other.csv", "a,b\n1,2\n", (), "query"),
        ("t.csv", "query,document\na,b\n", ("--sample-only",), "no human sample"),
        ("t.csv", "query,document\na,b\n", ("--rater", " "), "a name has 1 to 60 characters"),
        ("t.csv", "query,document\na,b\n", ("--overlap", "2"), "--overlap"),
    ],
)
def test_wrong_input_is_one_line(
    tmp_path: Path, name: str, content: str | None, flags: tuple[str, ...], expected: str
) -> None:
    """Nothing is served, and the exit code is 2."""
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    done = evalkit("judge", "rate", tmp_path / name, "--no-open", "--port", "0", *flags)
    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stderr.startswith("error: ")


def test_a_port_in_use_is_one_line(table: Path) -> None:
    """The second server on a port says so; the exit code is 3."""
    with rating(table) as page:
        done = evalkit_process("judge", "rate", table, "--no-open", "--port", page.port)
    assert done.returncode == 3
    assert "cannot listen on 127.0.0.1" in done.stderr


def test_another_host_is_warned_of(table: Path) -> None:
    """All interfaces are served on request only, with a warning that says who can read and write."""
    with rating(table, "--host", "0.0.0.0") as page:  # noqa: S104 - what is tested
        assert httpx.get(page.address.replace("0.0.0.0", "127.0.0.1")).status_code == 200  # noqa: S104
        page.process.kill()
        _, warned = page.process.communicate(timeout=30)
    assert warned.startswith("warning: every machine that reaches 0.0.0.0")


def test_a_missing_extra_is_one_line(table: Path) -> None:
    """Without the packages of the server, the command names the extra that installs them; nothing is read before."""
    program = (
        "import sys; sys.modules['starlette'] = sys.modules['uvicorn'] = None\n"
        f"sys.argv = ['evalkit', 'judge', 'rate', {str(table)!r}]\n"
        "from evalkit.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: evalkit judge rate requires packages that are not installed\n  hint: "
    )
    assert "rerank-evalkit[server]" in done.stderr
    assert done.stdout == ""
