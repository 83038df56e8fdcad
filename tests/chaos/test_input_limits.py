"""Input that would take all time or memory, or that Python alone reads: exit 2, with file and line, at once."""

from __future__ import annotations

import gzip
import random
import zipfile
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from support.command import evalkit, evalkit_process

from evalkit.errors import DataFormatError
from evalkit.formats import read_lines, read_rows, read_sgml_documents, read_topics
from evalkit.formats.text_files import LONGEST_LINE

pytestmark = pytest.mark.long
BASE = "name: t\ndatasets: [demo]\nrerankers: {lexical: {backend: lexical}}\n"
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)
MERGES = "m0: &m0 {k: 1}\n" + "".join(
    f"m{n}: &m{n} {{<<: [{','.join([f'*m{n - 1}'] * 9)}], k{n}: 1}}\n" for n in range(1, 12)
)
YAML = {
    "aliases 9^9": BASE + LAUGHS,
    "merge keys 9^11": BASE + MERGES,
    "line of 10 MB": f"{BASE}x: {'y' * 10_000_000}",
    "900,000 keys": BASE + "".join(f"k{n}: {n}\n" for n in range(900_000)),
    "8,000 unknown keys": BASE + "".join(f"k{n}: {n}\n" for n in range(8_000)),
    "8,000 equal keys": BASE + "seed: 1\n" * 8_000,
    "3,000 brackets": f"{BASE}x: {'[' * 3_000}",
    "20,000 closed brackets": f"{BASE}x: {'[' * 20_000}{']' * 20_000}",
    "3,000 braces": f"{BASE}x: {'{a: ' * 3_000}",
    "3,000 dashes": f"{BASE}x:\n{'- ' * 3_000}a\n",
    "5,000 digits": f"{BASE}seed: {'5' * 5_000}\n",
    "6,000 hexadecimal digits": f"{BASE}seed: 0x{'f' * 6_000}\n",
    "half of a surrogate pair": BASE.replace("name: t", 'name: "\\ud800"'),
    "an escape beyond Unicode": f'{BASE}x: "\\U00110000"\n',
    "a float without digits": f"{BASE}x: !!float ''\n",
    "NUL in a path": BASE.replace("[demo]", '[{source: beir_folder, path: "a\\0b"}]'),
    "NUL in a plugin": f'{BASE}plugins: ["a\\0b"]\n',
}
SETTINGS = {
    "compare": "{resamples: 1000000000000}",
    "depths": "[100000000000]",
    "metrics": "[nDCG@99999999999999999999]",
    "latency": "{rounds: 1000000000}",
    "retriever": "{k1: 1.0e+308}",
    "drift_check": "{queries: 100000000000}",
    "service": "{concurrency: 1000000000}",
    "budget": "{usd: 1.0e+308}",
}


def said_of(text: str, folder: Path, *more: str) -> str:
    """Return what `config check` says of a configuration that it refuses."""
    (folder / "c.yaml").write_text(text, encoding="utf-8")
    done = evalkit("config", "check", "c.yaml", *more, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr) < 20_000
    return done.stderr


@pytest.mark.attack("input", "YAML that expands, is nested or is long without bounds")
@pytest.mark.parametrize("name", YAML)
def test_yaml_has_limits(tmp_path: Path, name: str) -> None:
    """A file says where the limit is exceeded, and a list of problems is bounded."""
    assert "error: c.yaml" in said_of(YAML[name], tmp_path)


@pytest.mark.attack("input", "YAML without bounds in --set, in the rules of a gate and in a file of keys")
def test_other_yaml_has_the_same_limits(tmp_path: Path) -> None:
    """Wherever YAML is read."""
    for value in ("[" * 3_000, "{" + LAUGHS.replace("\n", ",") + "}", "y" * 120_000):
        assert "error: --set seed" in said_of(BASE, tmp_path, "--set", f"seed={value}")
    assert "is not a path" in said_of(BASE, tmp_path, "--set", ".".join("a" * 5_000) + "=1")
    assert "is not a path" in said_of(BASE, tmp_path, "--set", "datasets.²=1")
    said_of(BASE, tmp_path, "--set", f"datasets.{'9' * 5_000}=1")
    (tmp_path / "rules.yaml").write_text(LAUGHS, encoding="utf-8")
    done = evalkit("gate", ".", "--against", ".", "--rules", "rules.yaml", cwd=tmp_path)
    assert (done.returncode, "expands to more than" in done.stderr) == (2, True), done.stderr
    done = evalkit("dataset", "info", "{source: " + "[" * 3_000, cwd=tmp_path)
    assert (done.returncode, "nested more than" in done.stderr) == (2, True), done.stderr
    said_of(BASE + "service: {keys_file: keys.yaml}\n", tmp_path)


@pytest.mark.attack("input", "settings that let a command run for ever, such as resamples: 1e12")
@pytest.mark.parametrize("key", SETTINGS)
def test_settings_have_an_upper_bound(tmp_path: Path, key: str) -> None:
    """The message names it."""
    message = said_of(f"{BASE}{key}: {SETTINGS[key]}\n", tmp_path)
    assert "should be less than" in message or "use a cutoff between 1 and" in message


@pytest.mark.attack("input", "a packed file with one endless line")
@pytest.mark.parametrize("kind", ["plain", "gz", "zst", "zip", "utf-16"])
def test_a_line_has_a_limit(tmp_path: Path, kind: str) -> None:
    """It is not read to its end, whatever it is packed in; the message names file and line."""
    data = b"first\n" + b"x" * (LONGEST_LINE + 2)
    path: Path | zipfile.Path = tmp_path / "a.txt"
    if kind == "gz":
        path = tmp_path / "a.gz"
        path.write_bytes(gzip.compress(data, 1))
    elif kind == "zst":
        path = tmp_path / "a.zst"
        path.write_bytes(pa.compress(data, codec="zstd", asbytes=True))
    elif kind == "zip":
        with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("a.txt", data)
        path = zipfile.Path(tmp_path / "a.zip") / "a.txt"
    else:
        text = data.decode().encode("utf-16") if kind == "utf-16" else data
        path.write_bytes(text)  # type: ignore[union-attr]
    lines = read_lines(path)
    assert next(lines).strip() == "first"
    with pytest.raises(DataFormatError, match=r"2 is a line of more than 64 MiB"):
        next(lines)


@pytest.mark.attack("input", "a configuration that is packed 1,000 to 1")
def test_a_packed_configuration_is_not_unpacked(tmp_path: Path) -> None:
    """It is refused after the bytes that a configuration may have."""
    (tmp_path / "c.yaml.gz").write_bytes(gzip.compress(b"# many\n" * 5_000_000))
    done = evalkit_process("config", "check", tmp_path / "c.yaml.gz")
    assert (done.returncode, "is larger than" in done.stderr) == (2, True), done.stderr


@pytest.mark.attack("input", "SGML whose tags are never closed: time grows with the square of the length")
@pytest.mark.parametrize("tag", ["<text>", "<docno>", "<title>", "<topic ", "<num>", "<num> ", "<a ", "&#"])
def test_sgml_is_read_in_linear_time(tmp_path: Path, tag: str) -> None:
    """A megabyte of start tags is an element like any other, or wrong; numbers of characters may have any length."""
    file = tmp_path / "a.sgml"
    for frame, read in (
        ("<DOC>\n<DOCNO> a </DOCNO>{}\n</DOC>\n", read_sgml_documents),
        ("<top>\n{}\n</top>\n", read_topics),
    ):
        file.write_text(frame.format(tag * 200_000 + "&#" + "9" * 5_000 + ";"), encoding="utf-8")
        with suppress(DataFormatError):
            assert len(list(read(file))) == 1


@pytest.mark.attack("input", "clicks as grades: 15,000, 1e18, 1e400, and digits of other scripts")
@pytest.mark.parametrize(
    "grade", ["15000", "-15000", "1e18", "1" + "0" * 400, "1_0", "\u0661", "nan", "inf", "0x1"]
)
def test_grades_have_a_limit(tmp_path: Path, grade: str) -> None:
    """A file of judgments that has them is refused with its line, whatever its format."""
    (tmp_path / "a.run").write_text("q1 Q0 d1 1 2.0 t\n", encoding="utf-8")
    (tmp_path / "a.qrels").write_text(f"q1 0 d2 1\nq1 0 d1 {grade}\n", encoding="utf-8")
    done = evalkit("evaluate", "a.qrels", "a.run", cwd=tmp_path)
    assert (done.returncode, "a.qrels:2 has the grade" in done.stderr) == (2, True), done.stderr
    (tmp_path / "pairs.csv").write_text(f"query,document,grade\na,b,1\na,c,{grade}\n", encoding="utf-8")
    done = evalkit("dataset", "check", "{source: tables, pairs: {path: pairs.csv}}", cwd=tmp_path)
    assert (done.returncode, "pairs.csv:3 has the grade" in done.stderr) == (2, True), done.stderr


@pytest.mark.attack("input", "grades at the limit, with exponential gains")
def test_the_highest_grades_are_finite(tmp_path: Path) -> None:
    """Metrics and the check of the dataset work with them."""
    rows = "".join(f"q1 0 d{n} {grade}\n" for n, grade in enumerate([1000, 999, -1000, -2, 0]))
    (tmp_path / "a.qrels").write_text(rows, encoding="utf-8")
    (tmp_path / "a.run").write_text("q1 Q0 d1 1 2.0 t\nq1 Q0 d0 2 1.0 t\n", encoding="utf-8")
    done = evalkit("evaluate", "a.qrels", "a.run", "-m", "nDCG(dcg='exp-log2')@10", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "nan" not in done.stdout.lower()
    (tmp_path / "pairs.csv").write_text("query,document,grade\na,b,1000\na,c,0\n", encoding="utf-8")
    done = evalkit("dataset", "check", "{source: tables, pairs: {path: pairs.csv}}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.split())) < 80


@pytest.mark.attack(
    "input", "numbers of a run that Python alone reads: 1_000, Arabic digits, ranks of 5,000 digits"
)
def test_numbers_of_a_run_are_plain(tmp_path: Path) -> None:
    """Scores and ranks are refused with their line; a rank that is no number is no error, as no tool reads it."""
    (tmp_path / "a.qrels").write_text("q1 0 d1 1\n", encoding="utf-8")
    for score in ("1_000", "\u0661\u0662", "0x1p3", "1e", "nan"):
        (tmp_path / "a.run").write_text(f"q1 Q0 d1 1 {score} t\n", encoding="utf-8")
        done = evalkit("evaluate", "a.qrels", "a.run", cwd=tmp_path)
        assert (done.returncode, "has the score" in done.stderr) == (2, True), done.stderr
    for rank, code in (("²", 0), ("-", 0), ("9" * 5_000, 0), ("\u0661", 2), ("1_0", 2)):
        rows = "".join(f"q1 Q0 d{n} {rank} {n} t\n" for n in range(3))
        (tmp_path / "a.run").write_text(rows, encoding="utf-8")
        assert evalkit("evaluate", "a.qrels", "a.run", cwd=tmp_path).returncode == code


@pytest.mark.attack("input", "metric names with endless cutoffs, parameters and nesting")
@pytest.mark.parametrize(
    "name",
    ["nDCG@99999999999999999999", "nDCG@0", "nDCG@-1", "nDCG@1_0", "nDCG@\u0661\u0660", "P(rel=1e30)@5",
     "P(rel=1e400)@5", "P(rel=100000000000000000000000)@5", "nDCG(gains={1:100000000000000000000})@5",
     f"nDCG@{'9' * 5_000}",
     f"P(rel={'-' * 250}1)@5", f"nDCG(gains={'{' * 200})@5", "RBP(p=1e400)", "ERR@99999999999"],
)  # fmt: skip
def test_metric_names_have_limits(tmp_path: Path, name: str) -> None:
    """Exit 2, and nothing is read as another metric."""
    (tmp_path / "a.qrels").write_text("q1 0 d1 1\n", encoding="utf-8")
    (tmp_path / "a.run").write_text("q1 Q0 d1 1 2.0 t\n", encoding="utf-8")
    done = evalkit("evaluate", "a.qrels", "a.run", "-m", name, cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert len(done.stderr) < 2_000


@pytest.mark.attack("input", "300 Parquet files with flipped bytes")
def test_a_damaged_table_is_wrong_input(tmp_path: Path) -> None:
    """It is read or refused; no other exception is raised."""
    table = pa.table({"query": ["ä", "b"] * 20, "document": ["x", "é"] * 20, "grade": [1, 0] * 20})
    parquet.write_table(table, tmp_path / "whole.parquet", compression="none")
    whole = (tmp_path / "whole.parquet").read_bytes()
    file = tmp_path / "a.parquet"
    draw = random.Random(7)  # noqa: S311 - the same bytes every time
    for _ in range(300):
        changed = bytearray(whole)
        for _ in range(draw.randint(1, 6)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        file.write_bytes(changed)
        with suppress(DataFormatError):
            list(read_rows(file))


@pytest.mark.attack("input", "numbers on the command line that Python alone reads")
@pytest.mark.parametrize(
    "words",
    [["aa", "c", "--reranker", "r", "--repeats", "1_0"], ["aa", "c", "--reranker", "r", "--repeats", "1" * 30],
     ["tune", "depth", "r", "--margin", "nan"], ["tune", "depth", "r", "--min-quality", "inf"],
     ["tune", "calibration", "r", "--depth", "\u0663"], ["compare", "r", "--threshold", "1_0"],
     ["serve", "--port", "8_0"]],
    ids=" ".join,
)  # fmt: skip
def test_flags_take_plain_numbers(tmp_path: Path, words: list[str]) -> None:
    """Exit 2 with the flag's name, before anything is looked at."""
    done = evalkit(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert "error: invalid value for '--" in done.stderr
