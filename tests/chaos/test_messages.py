"""Nothing that a server, a file or a name says controls a terminal or the log of a CI."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import orjson
import pytest
from support.command import evalkit, only_folder
from support.gates import evidence, rule, values, verdicts
from support.stand_in import stand_in

from evalkit.report import gate as page
from evalkit.results.gate_document import GateResult

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]
EVIL = (
    "bad\x1b[2J\x1b]0;title\x07\x9b31m\u202ecod\u2066\r\n::error::forged\n##vso[task.setvariable variable=x]y"
    "\x7f\x85\u2028end"
)
"""Terminal control, marks of direction, line breaks, and the commands of GitHub and Azure."""
FORGED = re.compile(r"^\s*::|##\w*\[", re.MULTILINE)
KEPT = "поиск 検索 🔎 é"


def harmless(text: str) -> bool:
    """Return whether a text has printable lines only, and none that a CI takes for a command."""
    return all(line.isprintable() for line in text.split("\n")) and not FORGED.search(text)


def write_collection(folder: Path, ids: tuple[str, str] = ("q1", "q2")) -> Path:
    """Write a tiny collection as JSON Lines and qrels; ids may be anything without white space."""
    folder.mkdir()
    (folder / "qrels").mkdir()
    documents = [{"_id": f"d{n}", "text": f"word{n} shared text"} for n in range(4)]
    queries = [{"_id": one, "text": f"shared word{n}"} for n, one in enumerate(ids)]
    for name, rows in (("corpus", documents), ("queries", queries)):
        (folder / f"{name}.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    rows = "".join(f"{one}\td{n}\t1\n" for n, one in enumerate(ids))
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}", encoding="utf-8")
    return folder


def config(folder: Path, url: str, collection: Path) -> Path:
    """Write a configuration of one server."""
    file = folder / "c.yaml"
    file.write_text(
        f"name: messages\ndatasets: [{{source: beir_folder, path: '{collection}', name: d}}]\n"
        f"rerankers: {{api: {{backend: http, url: '{url}', model: m, retries: 0}}}}\n",
        encoding="utf-8",
    )
    return file


@pytest.mark.attack("client", "a server's error message with ESC, CR LF, bidi marks and CI commands")
@pytest.mark.parametrize("status", [400, 500])
def test_a_server_does_not_write_to_the_terminal(tmp_path: Path, status: int) -> None:
    """Its message is one escaped line, in the first call as in the warnings of a report."""
    reply = orjson.dumps({"error": {"message": EVIL}})
    with stand_in(lambda _body, _headers: (status, reply)) as url:
        done = evalkit("run", config(tmp_path, url, write_collection(tmp_path / "t")), cwd=tmp_path)
    assert done.returncode == 3
    assert "forged" in done.stderr
    assert harmless(done.stdout + done.stderr), repr(done.stderr)


@pytest.mark.attack("client", "failures in the middle of a run, told in warnings, tables and Markdown")
def test_failures_are_told_harmlessly(tmp_path: Path) -> None:
    """The first call works, the others fail with a hostile message."""
    calls: list[int] = []

    def answer(body: dict[str, list[str]], _headers: object) -> tuple[int, bytes]:
        calls.append(1)
        if len(calls) > 2:
            return 400, orjson.dumps({"error": {"message": EVIL}})
        results = [{"index": i, "relevance_score": 0.5 - i / 100} for i in range(len(body["documents"]))]
        return 200, orjson.dumps({"model": "m", "results": results})

    with stand_in(answer) as url:  # type: ignore[arg-type]
        file = config(tmp_path, url, write_collection(tmp_path / "t"))
        done = evalkit("run", file, "--into", tmp_path / "r", cwd=tmp_path)
    folder = only_folder(tmp_path / "r")
    assert done.returncode == 3
    again = evalkit("report", folder, "--allow-incomplete", "--details")
    assert harmless(done.stdout + done.stderr + again.stdout + again.stderr)
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert "\x1b" not in report
    assert "\u202e" not in report
    assert not re.search(r"^::error", report, re.MULTILINE)
    for line in (folder / "log.jsonl").read_bytes().splitlines():
        orjson.loads(line)


@pytest.mark.attack("names", "paths and flags with control characters, line breaks and CI commands")
@pytest.mark.parametrize(
    "words",
    [
        ["config", "check", "@.yaml"],
        ["config", "check", "c.yaml", "--set", "@=1"],
        ["config", "check", "c.yaml", "--set", "rerankers.x.model=@"],
        ["dataset", "info", "@"],
        ["evaluate", "@", "@"],
        ["run", "c.yaml", "--@"],
        ["@"],
        ["report", "@"],
        ["store", "size", "@"],
        ["plugin", "show", "@"],
        ["evaluate", "c.yaml", "c.yaml", "-m", "@"],
        ["gate", "@", "--against", "@", "--rules", "@"],
        ["serve", "c.yaml", "--reranker", "@"],
    ],
    ids=" ".join,
)
def test_an_argument_is_repeated_harmlessly(tmp_path: Path, words: list[str]) -> None:
    """Exit 2 or 3, and one clear message."""
    (tmp_path / "c.yaml").write_text("name: c\ndatasets: [demo]\nrerankers: {x: {backend: lexical}}\n")
    done = evalkit(*(word.replace("@", EVIL) for word in words), cwd=tmp_path)
    assert done.returncode in {2, 3}, done.stderr
    assert harmless(done.stdout + done.stderr), repr(done.stderr)


@pytest.mark.attack("names", "a folder of results whose path has a line break and a CI command")
def test_a_path_is_printed_on_one_line(tmp_path: Path) -> None:
    """Every path of a run that works is escaped, and letters of other scripts are kept."""
    folder = tmp_path / f"{KEPT}\n::set-output name=x::y\x1b[31m"
    folder.mkdir()
    (folder / "c.yaml").write_text(
        "name: c\ndatasets: [demo]\nrerankers: {x: {backend: lexical}}\nretriever: {depth: 5}\n"
    )
    done = evalkit("run", folder / "c.yaml", "--into", folder / "r", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for words in (["report", only_folder(folder / "r")], ["config", "check", folder / "c.yaml"]):
        more = evalkit(*words, cwd=tmp_path)
        assert more.returncode == 0, more.stderr
        done.stdout += more.stdout + more.stderr
    assert harmless(done.stdout + done.stderr)
    assert KEPT in done.stdout


@pytest.mark.attack("input", "query ids with control characters and CI commands, in tables and JSON")
def test_ids_are_printed_harmlessly(tmp_path: Path) -> None:
    """As tables they are escaped; as JSON they are equal to what the files hold."""
    evil = ["::error::forged", "##vso[task.complete]", "a\x1b[31m\u202eb", KEPT.replace(" ", "")]
    judged = ["query_id\titeration\tdoc_id\tgrade\n", *(f"{one}\t0\td1\t1\n" for one in evil)]
    ranked = [
        "query_id\tQ0\tdoc_id\trank\tscore\ttag\n",
        *(f"{one}\tQ0\td1\t1\t1.0\t{evil[0]}\n" for one in evil),
    ]
    (tmp_path / "q.qrels").write_text("".join(judged), encoding="utf-8")
    (tmp_path / "r.run").write_text("".join(ranked), encoding="utf-8")
    table = evalkit("evaluate", "q.qrels", "r.run", "--per-query", cwd=tmp_path)
    assert (table.returncode, harmless(table.stdout + table.stderr)) == (0, True), table.stderr
    assert evil[-1] in table.stdout
    rows = evalkit("evaluate", "q.qrels", "r.run", "--per-query", "--json", cwd=tmp_path)
    assert (rows.returncode, harmless(rows.stdout)) == (0, True)
    assert {row["query_id"] for row in orjson.loads(rows.stdout)} >= set(evil)


@pytest.mark.attack(
    "names", "names with Markdown, HTML and control characters in a gate's annotations and files"
)
def test_a_gate_writes_no_command_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The annotations are those of the gate; JUnit is XML; the summary's table has its columns."""
    (one,) = verdicts(
        rule(max_drop=0.01), evidence("new", {"a": values(0.3)}), evidence("old", {"a": values(0.6)})
    )
    evil = f"x|`{EVIL}<script>![p](http://e)"
    row = replace(one, dataset=evil, reranker=evil, rule=evil, sentence=evil)
    found = GateResult(result=evil, against=evil, verdicts=(row,), open_passes=False)
    monkeypatch.setattr(page, "conclusion", lambda _: evil)
    commands = "\n".join(page.workflow_commands(found)).split("\n")
    assert all(line.startswith("::error title=") and line.isprintable() for line in commands)
    assert len(commands) == 1
    root = ET.fromstring(page.as_junit(found))  # noqa: S314 - our own
    assert "forged" in root[0].attrib["classname"]
    summary = page.as_summary(found)
    assert all(line.isprintable() for line in summary.split("\n"))
    table = [line for line in summary.split("\n") if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {6}
    assert "<script>" not in summary.replace("\\<script>", "")
    assert not re.search(r"(?<!\\)\]\(", summary)
