"""Files of judgments that people edit, that several programs write, and that cannot be written."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import orjson
import pytest
from support.command import Done, evalkit, start_evalkit
from support.judging import asked, judged, write_experiment
from support.limits import file_limit, without_privilege

PAIRS = 16
CONCURRENCY = 3
ANN = {
    "query_id": "q0", "doc_id": "d0.0", "grade": 1, "rater": {"kind": "human", "name": "ann"},
    "at": "2026-11-30T00:00:00Z",
}  # fmt: skip
WORDS = ("judge", "run", "c.yaml", "--judge", "noting")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an experiment that a judge has judged; its judgments count."""
    write_experiment(tmp_path, dataset=", judgments: [{judge: noting}]")
    assert evalkit(*WORDS, cwd=tmp_path).returncode == 0
    return tmp_path


def file_of(folder: Path) -> Path:
    """Return the judge's file."""
    return folder / "judgments" / "many.noting.jsonl"


def pairs_in(folder: Path) -> int:
    """Return the number of graded pairs that count, as ``evalkit judge list`` says."""
    done = evalkit("judge", "list", "c.yaml", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    (row,) = [row for row in orjson.loads(done.stdout) if row["rater"].startswith("noting")]
    assert row["pairs"] == row["counted"]
    return int(row["pairs"])


EDITS: dict[str, tuple[Callable[[bytes], bytes], int | str]] = {
    "no line break at the end": (lambda lines: lines[:-1], PAIRS),
    "lines of Windows": (lambda lines: lines.replace(b"\n", b"\r\n"), PAIRS),
    "a byte order mark": (lambda lines: b"\xef\xbb\xbf" + lines, PAIRS),
    "each line twice": (lambda lines: lines + lines, PAIRS),
    "blank lines": (lambda lines: b"\n" + lines.replace(b"\n", b"\n\n \n"), PAIRS),
    "a cut last line": (lambda lines: lines[:-30], PAIRS - 1),
    "a cut last line of Windows": (lambda lines: lines.replace(b"\n", b"\r\n")[:-30], PAIRS - 1),
    "a comment": (lambda lines: b"# mine\n" + lines, "many.noting.jsonl:1 is not JSON"),
    "a comment at the end": (lambda lines: lines + b"# mine", f"many.noting.jsonl:{PAIRS + 1} is not JSON"),
    "a cut line inside": (lambda lines: lines[:-30] + b"\n" + lines, f"many.noting.jsonl:{PAIRS} is not JSON"),
    "zeros after a power failure": (
        lambda lines: lines + bytes(500), f"many.noting.jsonl:{PAIRS + 1} is not JSON"),
    "one array": (lambda lines: b"[" + lines[:-1].replace(b"\n", b",\n") + b"]", "many.noting.jsonl:1 is not"),
    "Latin-1": (lambda lines: lines.replace(b"noting-1", b"not\xefng-1"), "many.noting.jsonl:1 is not UTF-8"),
    "a grade in quotation marks": (
        lambda lines: lines.replace(b'"grade":', b'"grade":"2","at":"x","grade":"', 1).replace(
            b',"rater"', b'","rater"', 1),
        "'grade' must be a number"),
    "a grade that is not finite": (
        lambda lines: lines + orjson.dumps(ANN).replace(b'"grade":1', b'"grade":1e999') + b"\n",
        f"many.noting.jsonl:{PAIRS + 1}"),
    "a grade and a failure": (
        lambda lines: lines + orjson.dumps(ANN | {"failure": "x"}) + b"\n",
        f"many.noting.jsonl:{PAIRS + 1} has both"),
    "nested without end": (lambda lines: lines + b"[" * 100_000, f"many.noting.jsonl:{PAIRS + 1} is not JSON"),
}  # fmt: skip


@pytest.mark.attack("input", "files of judgments that were edited by hand")
@pytest.mark.parametrize("name", EDITS)
def test_an_edited_file_is_read_right_or_named(folder: Path, name: str) -> None:
    """A harmless edit changes no grade, and a resumed judge completes it; every other one is one line with a hint.

    What cannot be read is left as it is: nothing is appended to it.
    """
    edit, expected = EDITS[name]
    file = file_of(folder)
    edited = edit(file.read_bytes())
    file.write_bytes(edited)
    if isinstance(expected, int):
        assert pairs_in(folder) == expected
        assert evalkit(*WORDS, cwd=folder).returncode == 0
        assert pairs_in(folder) == PAIRS
        assert set(asked(folder).values()) == {1}
        return
    for words in (WORDS, ("judge", "list", "c.yaml"), ("judge", "audit", "c.yaml"), ("run", "c.yaml")):
        done = evalkit(*words, cwd=folder)
        assert done.returncode == 2, done.stdout
        (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert expected in line
        assert "hint: " in done.stderr
        assert file.read_bytes() == edited


@pytest.mark.attack("input", "files of judgments to which no line of UTF-8 can be appended")
@pytest.mark.parametrize("kind", ["UTF-16", "compressed"])
def test_nothing_is_appended_to_another_encoding(folder: Path, kind: str) -> None:
    """The file is read, and stays as it is; the judge is refused before it is asked for anything."""
    file, lines = file_of(folder), file_of(folder).read_bytes()
    name = file if kind == "UTF-16" else file.with_name("old.jsonl.gz")
    if kind == "UTF-16":
        name.write_bytes(lines.decode().encode("utf-16"))
    else:
        subprocess.run(["gzip", file], check=True)
        file.with_name(f"{file.name}.gz").rename(name)
    source = f", judgments: [{{judge: noting, path: '{name}'}}]"
    before = name.read_bytes()
    write_experiment(folder, dataset=source)
    assert pairs_in(folder) == PAIRS
    write_experiment(folder, dataset=source, settings=", prompt: other")
    done = evalkit(*WORDS, cwd=folder)
    assert done.returncode == 2
    assert f"cannot append to {name}: it is {kind}" in done.stderr
    assert set(asked(folder).values()) == {1}
    assert name.read_bytes() == before


@pytest.mark.attack("crash", "the disk is full while a judge writes")
@pytest.mark.parametrize(
    ("limit", "padding"), [(2_500, 0), (120_000, 0), (400_000, 1_000)], ids=["nothing", "store", "file"]
)
def test_a_full_disk_loses_only_what_could_not_be_written(tmp_path: Path, limit: int, padding: int) -> None:
    """Exit 3 and the command to resume; no more calls than those in flight are made; all else is asked once.

    There is no room at all, none for the store after some calls, or none for a file with many judgments of a person.
    """
    write_experiment(tmp_path, queries=8)
    line = orjson.dumps(ANN | {"note": 400 * "x"}) + b"\n"
    file_of(tmp_path).parent.mkdir()
    file_of(tmp_path).write_bytes(padding * line)
    assert evalkit(*WORDS, "--plan", cwd=tmp_path).returncode == 0  # Python writes what it compiles before
    with file_limit(limit):
        full = evalkit(*WORDS, cwd=tmp_path)
    assert full.returncode == 3, full.stdout
    (error,) = [line for line in full.stderr.splitlines() if line.startswith("error: ")]
    assert ("the score store" in error) == (padding == 0)
    assert not padding or str(file_of(tmp_path)) in error
    lost = asked(tmp_path).keys() - pairs_of(whole_lines(tmp_path))
    assert len(lost) <= 3 * CONCURRENCY
    assert bool(asked(tmp_path)) is (limit > 2_500)
    done = evalkit(*WORDS, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    again = {pair for pair, count in asked(tmp_path).items() if count > 1}
    assert again <= lost
    assert not padding or not again, "the store had room"
    rows = judged(tmp_path)[padding:]
    assert len(pairs_of(rows)) == len(rows) == len(asked(tmp_path))


def pairs_of(rows: list[dict[str, str]]) -> set[tuple[str, str]]:
    """Return the pairs of judgments."""
    return {(row["query_id"], row["doc_id"]) for row in rows}


def whole_lines(folder: Path) -> list[dict[str, str]]:
    """Return the whole lines of the judge's file."""
    lines = file_of(folder).read_bytes().splitlines(keepends=True) if file_of(folder).is_file() else []
    return [orjson.loads(line) for line in lines if line.endswith(b"\n")]


@pytest.mark.long
@pytest.mark.attack("crash", "the folder of judgments is read-only")
@pytest.mark.parametrize("place", ["folder", "file"])
def test_a_read_only_place_is_named_before_anything_is_asked(tmp_path: Path, place: str) -> None:
    """One line, exit 3, and no call; what can be read is read."""
    write_experiment(tmp_path)
    file_of(tmp_path).parent.mkdir()
    file_of(tmp_path).touch()
    path = file_of(tmp_path) if place == "file" else file_of(tmp_path).parent
    mode = path.stat().st_mode
    path.chmod(stat.S_IRUSR if place == "file" else stat.S_IRUSR | stat.S_IXUSR)
    try:
        process = start_evalkit(*WORDS, cwd=tmp_path, preexec_fn=without_privilege)
        _, said = process.communicate(timeout=120)
    finally:
        path.chmod(mode)
    if process.returncode == 99:
        pytest.skip("this system does not let a process give up its privileges")
    assert process.returncode == 3, said
    (line,) = [line for line in said.splitlines() if line.startswith("error: ")]
    assert str(file_of(tmp_path)) in line
    assert not asked(tmp_path)


@pytest.mark.long
@pytest.mark.attack("concurrent", "a judge and a page on which people rate, at once")
def test_a_judge_and_people_write_at_once(tmp_path: Path) -> None:
    """Every judgment of both is there once, on a line of its own, and those of people are in a file of theirs."""
    pytest.importorskip("starlette")
    from support.rating import rating

    source = ", judgments: [{path: people.jsonl}, {judge: noting, path: noting.jsonl}]"
    write_experiment(tmp_path, queries=20, settings=", pause_s: 0.02", dataset=source)
    with rating(tmp_path / "c.yaml", "--rater", "ann") as page:
        process = start_evalkit(*WORDS, "--all", cwd=tmp_path)
        view = click(page.address, {"action": "open"})
        clicks = 0
        while process.poll() is None or clicks < 30:
            task = {"task": view["task"]["key"], "turn": view["task"]["turn"]}
            view = click(page.address, {"action": "grade", "grade": clicks % 4, **task})
            clicks += 1
            if not view["task"]:
                break
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    files = [(tmp_path / name).read_bytes().splitlines() for name in ("people.jsonl", "noting.jsonl")]
    rows = [orjson.loads(line) for lines in files for line in lines]
    names = [row["rater"]["name"] for row in rows]
    assert names.count("ann") == clicks == len(files[0]) >= 30
    assert names.count("noting-1") == len(asked(tmp_path))
    assert len({(row["query_id"], row["doc_id"], row["rater"]["name"]) for row in rows}) == len(rows)
    done: Done = evalkit("judge", "list", "c.yaml", "--json", cwd=tmp_path)
    counts = {row["rater"].partition(" ")[0]: row["pairs"] for row in orjson.loads(done.stdout)}
    assert (counts["ann"], counts["noting-1"]) == (clicks, len(asked(tmp_path)))


def click(address: str, body: dict[str, object]) -> dict[str, dict[str, str]]:
    """Click as the page does for a rater, and return what it shows next."""
    reply = httpx.post(f"{address}click", json={"rater": "ann", **body})
    assert reply.status_code == 200, reply.text
    return dict(reply.json())
