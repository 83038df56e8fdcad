"""Tables of judged pairs, with ids or without."""

from __future__ import annotations

from pathlib import Path

from support.messages import said
from support.sources import JUDGED, pair_table

from evalkit.datasets import load_dataset
from evalkit.datasets.pairs import PairColumns, read_unjudged_pairs
from evalkit.formats import read_rows


def test_judged_pairs_need_no_ids(tmp_path: Path) -> None:
    """Equal texts are one query and one document, by ids that every load and every order of rows agree on."""
    dataset = load_dataset(pair_table(tmp_path / "judged.csv", JUDGED))
    assert dataset.name == "judged"
    assert sorted(dataset.corpus.texts) == ["a cat", "a dog"]
    assert [query.text for query in dataset.queries] == ["cat", "dog"]
    again = load_dataset(pair_table(tmp_path / "turned.csv", JUDGED[::-1]))
    by_text = {
        (query.text, dataset.corpus.text(doc_id)): grade
        for query in dataset.queries
        for doc_id, grade in dataset.qrels.of(query.query_id).items()
    }
    assert by_text == {("cat", "a cat"): 2, ("cat", "a dog"): 0, ("dog", "a dog"): 1}
    assert {q: dict(docs) for q, docs in again.qrels.grades.items()} == dataset.qrels.grades


def test_listed_documents_are_candidates_in_an_order_that_tells_nothing(tmp_path: Path) -> None:
    """What a table lists for a query is its candidates; the order of rows, relevant ones first, is not theirs."""
    rows = [{"query": "q", "document": f"text {i}", "label": int(i < 20)} for i in range(40)]
    listed = load_dataset(pair_table(tmp_path / "a.csv", rows)).candidates
    turned = load_dataset(pair_table(tmp_path / "b.csv", rows[::-1])).candidates
    assert listed is not None
    assert turned is not None
    assert len(listed) == 40
    assert listed.doc_ids == turned.doc_ids
    relevant = load_dataset(pair_table(tmp_path / "c.csv", rows[:20])).candidates
    assert relevant is not None
    assert 0 < len(set(listed.doc_ids[:20]) & set(relevant.doc_ids)) < 20
    ranked = [{**row, "bm25": float(i)} for i, row in enumerate(rows)]
    block = pair_table(tmp_path / "d.csv", ranked)
    by_score = load_dataset({**block, "pairs": {**block["pairs"], "score": "bm25"}}).candidates
    assert by_score is not None
    assert by_score.scores.tolist() == [float(i) for i in range(40)][::-1]


def test_pairs_that_contradict_each_other_are_reported(tmp_path: Path) -> None:
    """Two grades of one pair, and one id of two texts, are errors that name the row."""
    twice = [*JUDGED, {**JUDGED[0], "label": 1}]
    problem = said(lambda: load_dataset(pair_table(tmp_path / "a.csv", twice)))
    assert "a.csv:5: query" in problem
    assert "has two grades: 2 and 1" in problem
    ids = [{**row, "doc_id": "same"} for row in JUDGED]
    assert "b.csv:3: document 'same' occurs with two different texts" in said(
        lambda: load_dataset(pair_table(tmp_path / "b.csv", ids))
    )


def test_pairs_without_judgments_are_read_for_people(tmp_path: Path) -> None:
    """Each pair of texts comes once, with its instruction; a grade is neither needed nor read."""
    file = tmp_path / "pairs.csv"
    rows = ["cat,a cat,recent,x", "cat,a dog,recent,", "cat,a cat,recent,2", "cat,a cat,old,"]
    file.write_text("\n".join(["query,document,instruction,grade", *rows]) + "\n", encoding="utf-8")
    pairs = list(read_unjudged_pairs(read_rows(file), PairColumns()))
    assert [(query.text, query.instruction, document.text) for query, document in pairs] == [
        ("cat", "recent", "a cat"),
        ("cat", "recent", "a dog"),
        ("cat", "old", "a cat"),
    ]
    assert len({query.query_id for query, _ in pairs}) == 2
