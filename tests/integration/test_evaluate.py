"""``evalkit evaluate``: ties, unjudged documents, kinds of query, parameters of metrics."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from support.command import evalkit

pytestmark = pytest.mark.usefixtures("blank_plots")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with judgments, a run with a tie, and queries with a field."""
    (tmp_path / "q.qrels").write_text("q1 0 a 1\nq1 0 b 0\nq2 0 c 2\nq2 0 d 1\n", encoding="utf-8")
    run = "q1 Q0 a 1 1.0 sys\nq1 Q0 b 2 1.0 sys\nq2 Q0 c 1 2.0 sys\nq2 Q0 x 2 1.0 sys\n"
    (tmp_path / "r.run").write_text(run, encoding="utf-8")
    queries = '{"_id": "q1", "text": "one", "kind": "x"}\n{"_id": "q2", "text": "two", "kind": "y"}\n'
    (tmp_path / "queries.jsonl").write_text(queries, encoding="utf-8")
    return tmp_path


def test_ties_and_unjudged_stand_beside_the_value(files: Path) -> None:
    """As columns and as JSON; null and a dash where a metric has none."""
    words = ["evaluate", "q.qrels", "r.run", "-m", "RR", "-m", "P@2", "-m", "Bpref", "--ties", "--unjudged"]
    rows = {row["metric"]: row for row in orjson.loads(evalkit(*words, "--json", cwd=files).stdout)}
    assert [rows["RR"][name] for name in ("value", "best", "expected", "worst")] == [0.75, 1.0, 0.875, 0.75]
    assert (rows["RR"]["most"], rows["P@2"]["least"], rows["P@2"]["most"]) == (None, 0.5, 0.75)
    assert rows["Bpref"]["best"] is None
    table = evalkit(*words, cwd=files)
    assert table.returncode == 0
    assert table.stdout.split("\n")[2].split() == (
        ["run", "metric", "value", "lower", "upper", "best", "expected", "worst", "least", "most", "n"]
    )


def test_means_by_kind_of_query(files: Path) -> None:
    """One row for all queries and one for each level, with its n; variants of one metric keep their names."""
    metrics = ["nDCG@2", "nDCG(dcg='exp-log2')@2", "nDCG(gains={1:1,2:9},judged_only=True)@2"]
    words = [word for metric in metrics for word in ("-m", metric)]
    words = ["evaluate", "q.qrels", "r.run", *words, "--by", "kind", "--queries", "queries.jsonl", "--json"]
    rows = orjson.loads(evalkit(*words, cwd=files).stdout)
    assert [(row["level"], row["n"]) for row in rows[::3]] == [("all", 2), ("x", 1), ("y", 1)]
    assert [row["metric"] for row in rows[:3]] == metrics
    ideal = [2 + 1 / 1.584962500721156, 3 + 1 / 1.584962500721156, 9 + 1 / 1.584962500721156]
    gained = [2.0, 3.0, 9.0]
    assert [row["value"] for row in rows[6:]] == pytest.approx(
        [g / i for g, i in zip(gained, ideal, strict=True)]
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--by", "kind"], "the judgments contain no query field 'kind'"),
        (["--by", "kidn", "--queries", "queries.jsonl"], "did you mean 'kind'?"),
        (["--by", "kind", "--per-query"], "--per-query and --by cannot be combined"),
        (["--by", "kind", "--queries", "nowhere.jsonl"], "file not found"),
        (["-m", "nDCG(gains={1:0.5})@10"], "use whole numbers as gains"),
    ],
)
def test_what_cannot_be_is_one_clear_line(files: Path, words: list[str], said: str) -> None:
    """Exit 2, one sentence and a hint, no traceback."""
    done = evalkit("evaluate", "q.qrels", "r.run", *words, cwd=files)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_metrics_are_found_under_the_names_that_people_type(files: Path) -> None:
    """The values are those of the proper name; one note for each name on stderr, none on stdout."""
    words = ["evaluate", "q.qrels", "r.run", "--json"]
    typed = evalkit(*words, "-m", "ndcg@2", "-m", "hits@2", "-m", "P_2", cwd=files)
    proper = evalkit(*words, "-m", "nDCG@2", "-m", "Success@2", "-m", "P@2", cwd=files)
    assert typed.stdout == proper.stdout
    assert typed.stderr.splitlines() == [
        "note: reading 'ndcg@2' as nDCG@2",
        "note: reading 'hits@2' as Success@2",
        "note: reading 'P_2' as P@2",
    ]
    assert proper.stderr == ""


def test_runs_are_compared_by_a_metric_under_another_name(files: Path) -> None:
    """As the primary one; a metric that is asked for twice is computed once."""
    other = (files / "r.run").read_text(encoding="utf-8").replace("sys", "other")
    (files / "o.run").write_text(other, encoding="utf-8")
    words = ["compare", "--qrels", "q.qrels", "r.run", "o.run", "--json", "--primary"]
    for primary, label in (("mrr@10", "MRR@10"), ("RR@10", "RR@10"), ("precision@2", "P@2")):
        done = evalkit(*words, primary, cwd=files)
        assert done.returncode == 0, done.stderr
        assert label in {row["metric"] for row in orjson.loads(done.stdout)}


def test_queries_that_a_run_lacks_are_said_below_the_table_and_in_json(files: Path) -> None:
    """As keys of means, and as notes on stderr with the values of single queries, whose JSON stays as it was."""
    (files / "part.run").write_text("q1 Q0 a 1 1.0 part\nq9 Q0 a 1 1.0 part\n", encoding="utf-8")
    sentence = "part lacks 1 of 2 judged queries: each counts as 0 (first: 'q2')."
    words = ["evaluate", "q.qrels", "part.run", "-m", "RR"]
    table = evalkit(*words, cwd=files)
    assert (table.returncode, sentence in table.stdout.splitlines(), table.stderr) == (0, True, "")
    means = evalkit(*words, "--json", cwd=files)
    (row,) = orjson.loads(means.stdout)
    assert (row["missing_queries"], row["unjudged_queries"], means.stderr) == (1, 1, "")
    values = evalkit(*words, "--json", "--per-query", cwd=files)
    assert f"note: {sentence}" in values.stderr.splitlines()
    assert orjson.loads(values.stdout)[1] == {"run": "part", "query_id": "q2", "metric": "RR", "value": 0.0}
