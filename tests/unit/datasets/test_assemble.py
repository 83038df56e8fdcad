"""What is done to every dataset after it is read: sample, hash, rule for equal ids."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from evalkit.datasets import load_dataset
from evalkit.datasets.frames import dataset_from_frames
from evalkit.errors import DataFormatError, InputError
from evalkit.records import Dataset


def load(folder: Path, **settings: object) -> Dataset:
    """Load a BEIR folder."""
    return load_dataset({"source": "beir_folder", "path": str(folder), **settings})


def test_a_sample_is_seeded_kept_in_order_and_recorded(beir_folder: Path) -> None:
    """The same seed draws the same queries, in file order; judgments follow; the draw is on record."""
    samples = [load(beir_folder, sample={"queries": 3, "seed": seed}) for seed in (1, 1, 2, 3, 4)]
    ids = [[q.query_id for q in s.queries] for s in samples]
    assert ids[0] == ids[1]
    assert len({tuple(i) for i in ids}) > 1
    assert all(i == sorted(i) and len(i) == 3 for i in ids)
    assert list(samples[0].qrels.grades) == ids[0]
    assert samples[0].origin.sample == {"queries": 3, "seed": 1}
    assert samples[0].origin.counts["judged_queries_not_sampled"] == 2


def test_the_content_hash_sees_every_part(beir_folder: Path) -> None:
    """Changing one text, query or grade changes the hash; reading again does not."""
    before = load(beir_folder).origin.content_hash
    assert load(beir_folder).origin.content_hash == before
    for name, old, new in (
        ("corpus.jsonl", b"warm roof", b"warm  roof"),
        ("queries.jsonl", b"garden bird", b"garden birds"),
        ("qrels/test.tsv", b"q1\td1\t3", b"q1\td1\t2"),
    ):
        file = beir_folder / name
        held = file.read_bytes()
        file.write_bytes(held.replace(old, new))
        assert load(beir_folder).origin.content_hash != before
        file.write_bytes(held)


@pytest.mark.parametrize(
    ("texts", "barred"),
    [
        (["How do  CATS sleep?", "Of Paris: where is it?", "rain"], True),
        (["How do cats sleep?", "another document", "a third one"], False),
        ([], False),
    ],
)
def test_documents_that_are_the_query_are_barred_unless_told(texts: list[str], *, barred: bool) -> None:
    """Where most documents with a query's id hold its text, ids mean the same thing; otherwise they meet by chance."""
    asked = ["how do cats sleep?", "where is it?", "what of fish"]
    queries = pd.DataFrame({"query_id": ["1", "2", "3"], "text": asked})
    corpus = pd.DataFrame({"doc_id": [*"123"[: len(texts)], "x"], "text": [*texts, "more"]})
    judged = pd.DataFrame({"query_id": ["1", "2", "3"], "doc_id": ["x"] * 3, "relevance": [1] * 3})
    assert dataset_from_frames(corpus, queries, judged).origin.exclude_same_id == barred


def test_the_cluster_field_is_one_that_queries_have() -> None:
    """It is on record; a name that no query has is refused with those that they have."""
    settings = {"source": "demo", "cluster_field": "kind"}
    assert load_dataset(settings).origin.cluster_field == "kind"
    with pytest.raises(InputError, match="no query of demo has the cluster field 'user'") as refused:
        load_dataset({**settings, "cluster_field": "user"})
    assert refused.value.hint is not None
    assert "kind" in refused.value.hint


def test_a_dataset_states_what_unjudged_documents_are(beir_folder: Path) -> None:
    """They are of unknown relevance unless the configuration says otherwise; the bundled judgments are complete."""
    assert load(beir_folder).origin.unjudged == "unknown"
    assert load(beir_folder, unjudged="not_relevant").origin.unjudged == "not_relevant"
    assert load_dataset("demo").origin.unjudged == "not_relevant"


def with_rows(folder: Path, *rows: str) -> Path:
    """Append judgments to a BEIR folder; return it."""
    file = folder / "qrels" / "test.tsv"
    file.write_text(file.read_text(encoding="utf-8") + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return folder


def test_grade_minus_100_excludes_a_document(beir_folder: Path) -> None:
    """It is no judgment then; the hash and the counts know of it, and a dataset without it has no such count."""
    before = load(beir_folder)
    after = load(with_rows(beir_folder, "q1\td3\t-100", "q1\td4\t-100", "q2\td1\t-1"))
    assert before.excluded == {}
    assert "excluded_documents" not in before.origin.counts
    assert after.excluded == {"q1": frozenset({"d3", "d4"})}
    assert after.origin.counts["excluded_documents"] == 2
    assert after.origin.counts["judgments"] == before.origin.counts["judgments"] + 1
    assert after.qrels.of("q2")["d1"] == -1
    assert after.origin.content_hash != before.origin.content_hash


def test_a_document_cannot_be_relevant_and_excluded(beir_folder: Path) -> None:
    """No system could find it, and the ideal ranking would count it."""
    row = '{"_id": "q7", "text": "x", "excluded_ids": ["d1"]}\n'
    file = beir_folder / "queries.jsonl"
    file.write_text(file.read_text(encoding="utf-8") + row, encoding="utf-8")
    with_rows(beir_folder, "q7\td1\t1")
    with pytest.raises(DataFormatError, match="document 'd1' is both relevant and excluded for query 'q7'"):
        load(beir_folder)


def test_judged_queries_without_text_are_refused_unless_the_settings_leave_them_out(
    beir_folder: Path,
) -> None:
    """They are counted then; a dataset of which nothing is left is refused in any case."""
    with_rows(beir_folder, "q8\td1\t1", "q9\td1\t1")
    with pytest.raises(DataFormatError, match=r"2 of 7 judged queries have no text \(first: 'q8'\)") as error:
        load(beir_folder)
    assert "judged_queries_without_text: leave_out" in error.value.hint
    kept = load(beir_folder, judged_queries_without_text="leave_out")
    assert kept.origin.counts["judged_queries_without_text"] == 2
    assert len(kept.queries) == len(kept.qrels.grades) == 5
    (beir_folder / "qrels" / "test.tsv").write_text("q8\td1\t1\n", encoding="utf-8")
    with pytest.raises(DataFormatError, match="1 of 1 judged queries have no text"):
        load(beir_folder, judged_queries_without_text="leave_out")


def test_judgments_without_a_grade_are_counted() -> None:
    """All of them, as all of a table have none."""
    corpus = pd.DataFrame({"doc_id": ["d1", "d2"], "text": ["a cat", "a dog"]})
    queries = pd.DataFrame({"query_id": ["q1"], "text": ["cat"], "excluded_ids": [["d2"]]})
    qrels = pd.DataFrame({"query_id": ["q1"], "doc_id": ["d1"]})
    found = dataset_from_frames(corpus, queries, qrels)
    assert found.qrels.grades == {"q1": {"d1": 1}}
    assert found.origin.counts["judgments_without_grade"] == 1
    assert found.excluded == {"q1": {"d2"}}
    graded = dataset_from_frames(corpus, queries, qrels.assign(grade=1))
    assert "judgments_without_grade" not in graded.origin.counts
