"""What is done to every dataset after it is read: sample, hash, rule for equal ids."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from evalkit.datasets import load_dataset
from evalkit.datasets.frames import dataset_from_frames
from evalkit.errors import InputError
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
