"""Whatever is raised, and wherever output goes: one line, the right exit code, and no traceback."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from support.command import PROGRAM, ROOT, evalkit, only_folder

from evalkit.results import ResultFolder

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]
PLUGIN = Path(__file__).with_name("raising.py")
FULL = Path("/dev/full")
PANICS = ["exit", "exit with text", "panic", "generator exit", "base", "group"]
BUGS = ["recursion", "value", "long", "unspeakable", "end of file", "broken pipe", "surrogate"]


def config(folder: Path, what: str, **more: str) -> Path:
    """Write a configuration whose backend raises."""
    file = folder / "c.yaml"
    settings = "".join(f", {key}: {value}" for key, value in {"score_check": "false", **more}.items())
    file.write_text(
        "name: edges\ndatasets: [{source: demo, sample: {queries: 6, seed: 1}}]\nretriever: {depth: 5}\n"
        f"plugins: [{PLUGIN}]\nrerankers: {{r: {{backend: raising, what: {what}{settings}}}}}\n",
        encoding="utf-8",
    )
    return file


def bug(folder: Path, what: str) -> Path:
    """Write a configuration whose dataset raises where no part of evalkit expects it."""
    file = folder / "bug.yaml"
    file.write_text(
        f"name: bug\ndatasets: [{{source: raising_data, what: {what}}}]\nplugins: [{PLUGIN}]\n"
        "rerankers: {lexical: {backend: lexical}}\n",
        encoding="utf-8",
    )
    return file


def process(*words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run evalkit in a process of its own, within a minute."""
    env = {**os.environ, **options.pop("env", {})}  # type: ignore[dict-item]
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(
        [*PROGRAM, *map(str, words)], text=True, cwd=ROOT, env=env, timeout=60, check=False, **given
    )  # type: ignore[call-overload,no-any-return]


@pytest.mark.attack("crash", "a backend raises what is no Exception (SystemExit, a panic, GeneratorExit)")
@pytest.mark.parametrize(("what", "threads"), [("exit", "1"), ("generator exit", "1"), ("panic", "3")])
def test_a_backend_that_exits_fails_its_calls(tmp_path: Path, what: str, threads: str) -> None:
    """They are failures of the kind backend; the run goes on, is incomplete, and never exits with 1."""
    done = evalkit(
        "run", config(tmp_path, f"'{what}'", concurrency=threads), "--into", tmp_path / "r", cwd=tmp_path
    )
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    failures = ResultFolder.open(only_folder(tmp_path / "r")).read_failures()
    assert failures
    assert {failure.kind for failure in failures} == {"backend"}


@pytest.mark.attack("crash", "an unexpected exception of any kind, whatever its message")
@pytest.mark.parametrize("what", [*BUGS, *PANICS])
def test_a_bug_is_exit_70_in_one_line(tmp_path: Path, what: str) -> None:
    """The message and its hint, on two lines, whatever the exception says."""
    done = evalkit("dataset", "info", bug(tmp_path, f"'{what}'"), cwd=tmp_path)
    assert done.returncode == 70, done.stderr
    assert [line[:12] for line in done.stderr.splitlines()] == ["error: this ", "  hint: plea"]
    assert len(done.stderr) < 10_000
    assert done.stderr.replace("\n", "").isprintable()


@pytest.mark.attack("crash", "a backend raises an unexpected exception in the middle of a run")
def test_a_bug_in_a_run_keeps_what_was_measured(tmp_path: Path) -> None:
    """The result is written, as failed, and its log is not as long as the message."""
    done = evalkit("run", config(tmp_path, "long"), "--into", tmp_path / "r", cwd=tmp_path)
    assert done.returncode == 70, done.stderr
    folder = only_folder(tmp_path / "r")
    assert ResultFolder.open(folder).read_manifest().status == "failed"
    assert (folder / "log.jsonl").stat().st_size < 2_000_000


@pytest.mark.attack("crash", "a backend raises KeyboardInterrupt")
def test_an_interrupt_stays_130(tmp_path: Path) -> None:
    """Its exit code and its message are those of the user's own interrupt."""
    done = process("run", config(tmp_path, "interrupt"), "--into", tmp_path / "r")
    assert done.returncode == 130
    assert "resume with" in done.stderr


def _tiny_files() -> None:
    """Let no file be longer than a byte."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))


@pytest.mark.attack("crash", "a bug while the disk is full, TMPDIR is missing or stderr is closed")
@pytest.mark.parametrize(
    ("options", "silent"),
    [
        ({"preexec_fn": _tiny_files}, False),
        ({"env": {"TMPDIR": "/nowhere"}}, False),
        ({"preexec_fn": lambda: os.close(2), "stderr": subprocess.DEVNULL}, True),
        pytest.param({"stderr": "full"}, True, marks=pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")),
    ],
    ids=["full disk", "no TMPDIR", "closed stderr", "full stderr"],
)  # fmt: skip
def test_the_report_of_a_bug_cannot_fail(tmp_path: Path, options: dict[str, object], silent: bool) -> None:
    """Exit 70, and where stderr can be written the two lines, with no traceback."""
    if options.get("stderr") == "full":
        with FULL.open("w") as full:
            done = process("dataset", "info", bug(tmp_path, "value"), stderr=full)
    else:
        done = process("dataset", "info", bug(tmp_path, "value"), **options)
    assert done.returncode == 70
    if not silent:
        assert "this is a bug in evalkit: ValueError: plain" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.attack("crash", "stdout is a full disk")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "words", [["--help"], ["dataset", "list"], ["plugin", "list", "--json"]], ids=" ".join
)
def test_a_full_output_is_exit_3(words: list[str], unbuffered: str) -> None:
    """Whether the stream holds text back or not; the message says what failed."""
    with FULL.open("w") as full:
        done = process(*words, stdout=full, env={"PYTHONUNBUFFERED": unbuffered})
    assert done.returncode == 3
    assert done.stderr.startswith("error: cannot write the output: No space left on device\n  hint:")
    assert "Traceback" not in done.stderr


@pytest.mark.attack("crash", "the reader of stdout is gone; a gate that fails still exits with 1")
def test_a_closed_pipe_changes_no_exit_code(tmp_path: Path) -> None:
    """A command that is done exits with 0, in silence; one that does not pass keeps its code."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = process("plugin", "list", "--json", stdout=writing)
        assert (done.returncode, done.stderr) == (0, "")
        script = tmp_path / "gate.py"
        script.write_text(
            "import click, sys\nfrom evalkit.cli import main, output\n"
            "@click.command()\ndef fails():\n"
            "    output.echo('FAIL ' * 100_000)\n    click.get_current_context().exit(1)\n"
            "main._Program.get_command = lambda *_: fails\nsys.argv = ['evalkit', 'gate']\nmain.main()\n",
            encoding="utf-8",
        )
        failed = subprocess.run(
            [sys.executable, script], stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False
        )
        assert (failed.returncode, failed.stderr) == (1, b"")
    finally:
        os.close(writing)


@pytest.mark.attack("crash", "stdin, stdout and stderr are closed")
def test_closed_streams_are_no_failure(tmp_path: Path) -> None:
    """No file of a result takes the place of an output."""

    def close_all() -> None:
        for number in range(3):
            os.close(number)

    close: Callable[[], None] = close_all
    given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    done = process("init", tmp_path / "first.yaml", preexec_fn=close, **given)
    assert done.returncode == 0
    assert (tmp_path / "first.yaml").read_text(encoding="utf-8").count("wrote ") == 0


@pytest.mark.attack("crash", "libraries do not fit into the address space (ulimit -v)")
def test_a_shortage_of_memory_is_named(tmp_path: Path) -> None:
    """Exit 3, one line and no traceback, whether a library or Python says so."""

    def little() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (235_000 * 1024,) * 2)

    file = tmp_path / "c.yaml"
    file.write_text(
        "name: small\ndatasets: [demo]\nrerankers: {lexical: {backend: lexical}}\n", encoding="utf-8"
    )
    done = process("run", file, "--into", tmp_path / "r", preexec_fn=little)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: not enough memory")
    assert done.stderr.count("\n") == 2


@pytest.mark.attack("crash", "libraries do not fit into the address space (ulimit -v)")
def test_a_lack_of_memory_is_no_bug(tmp_path: Path) -> None:
    """A MemoryError that nothing else expects is exit 3 with what to do."""
    done = evalkit("dataset", "info", bug(tmp_path, "memory"), cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[0]) == (3, "error: not enough memory")


@pytest.mark.attack("crash", "stdin, stdout and stderr are closed")
@pytest.mark.parametrize("number", [1, 2])
def test_tables_need_no_output(tmp_path: Path, number: int) -> None:
    """A run whose stdout or stderr was closed before it started ends with 0, and its result is whole."""
    given = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    file = config(tmp_path, "nothing")
    file.write_text(
        file.read_text(encoding="utf-8").replace("backend: raising, what: nothing", "backend: lexical"),
        encoding="utf-8",
    )
    done = process("run", file, "--into", tmp_path / "r", preexec_fn=partial(os.close, number), **given)
    assert done.returncode == 0
    assert (only_folder(tmp_path / "r") / "report.html").is_file()


@pytest.mark.attack("names", "paths that are not UTF-8, too long, or loops of links")
@pytest.mark.parametrize(
    "words",
    [["report", "P"], ["config", "check", "P"], ["init", "P"], ["evaluate", "P", "P"], ["store", "size", "P"],
     ["dataset", "import", "demo", "--into", "P"], ["gate", "P", "--against", "P"]],
    ids=lambda words: words[0],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["not UTF-8", "too long", "loop"])
def test_impossible_paths_are_wrong_input(tmp_path: Path, words: list[str], kind: str) -> None:
    """Exit 2 or 3 with the path, and nothing is made."""
    if kind == "loop":
        (tmp_path / "loop").symlink_to("loop")
    path = tmp_path / {"not UTF-8": "d\udcfcr", "too long": "a" * 300, "loop": "loop"}[kind]
    before = sorted(tmp_path.iterdir())
    done = process(*(str(path) if word == "P" else word for word in words))
    assert done.returncode in {2, 3}, done.stderr
    assert done.stderr.startswith("error: ")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.attack("supply", "a plugin file calls sys.exit when it is imported")
def test_a_plugin_that_exits_is_wrong_input(tmp_path: Path) -> None:
    """Exit 2 with the line of the plugin."""
    plugin = tmp_path / "leaving.py"
    plugin.write_text("import sys\nsys.exit(1)\n", encoding="utf-8")
    file = config(tmp_path, "value")
    file.write_text(file.read_text(encoding="utf-8").replace(str(PLUGIN), str(plugin)), encoding="utf-8")
    done = evalkit("config", "check", file, cwd=tmp_path)
    assert done.returncode == 2
    assert f"{plugin}:2 cannot be imported: SystemExit: 1" in done.stderr
