"""A first stage of one's own: what is taken from its run, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.config import RetrieverSettings, validate_block
from evalkit.datasets import load_dataset
from evalkit.errors import DataFormatError, InputError
from evalkit.records import Run
from evalkit.retrievers import open_retriever, retrieve_candidates


def settings(path: Path, rows: str, **more: object) -> RetrieverSettings:
    """Write a run and return the settings that name it."""
    path.write_text(rows, encoding="utf-8")
    checked = validate_block("retriever kind", {"kind": "trec_run", "path": str(path), **more})
    assert isinstance(checked, RetrieverSettings)
    return checked


def test_candidates_stand_in_the_order_of_their_scores(tmp_path: Path, beir_folder: Path) -> None:
    """Cut at the depth, queries of no interest left out, a query that the file lacks empty, under the tag given."""
    dataset = load_dataset({"source": "beir_folder", "path": str(beir_folder)})
    first, second, *_ = dataset.corpus.doc_ids
    query = dataset.queries[0].query_id
    rows = f"{query} Q0 {first} 1 0.5 own\n{query} Q0 {second} 2 0.9 own\nother Q0 {first} 1 1 own\n"
    own = settings(tmp_path / "r.trec", rows, tag="mine")
    found = retrieve_candidates(open_retriever(own, dataset), dataset, 10)
    assert (found.tag, found.query_ids, found.docs(query)) == ("mine", (query,), (second, first))
    assert retrieve_candidates(open_retriever(own, dataset), dataset, 1).docs(query) == (second,)


@pytest.mark.parametrize(
    ("row", "message"),
    [("nobody Q0 {doc} 1 1 t", "contains no query"), ("{query} Q0 gone 1 1 t", "'gone' of query"),
     ("{query} {doc}", "columns")],
)  # fmt: skip
def test_a_run_of_another_collection_is_refused(
    tmp_path: Path, beir_folder: Path, row: str, message: str
) -> None:
    """Before anything is asked, in one line."""
    dataset = load_dataset({"source": "beir_folder", "path": str(beir_folder)})
    rows = row.format(doc=dataset.corpus.doc_ids[0], query=dataset.queries[0].query_id)
    with pytest.raises(DataFormatError, match=message):
        open_retriever(settings(tmp_path / "r.trec", rows + "\n"), dataset)


def test_what_a_dataset_lists_can_be_its_first_stage(beir_folder: Path) -> None:
    """A dataset's own candidates are taken under the retriever's tag; one that lists none is refused."""
    dataset = load_dataset({"source": "beir_folder", "path": str(beir_folder)})
    listed = validate_block("retriever kind", {"kind": "listed"})
    with pytest.raises(InputError, match="contains no candidate lists"):
        open_retriever(listed, dataset)  # type: ignore[arg-type]
    query, first, second = dataset.queries[0], *dataset.corpus.doc_ids[:2]
    own = Run.from_rows("own", [query.query_id] * 2, [first, second], [0.1, 0.2])
    found = open_retriever(listed, replace(dataset, candidates=own)).retrieve([query], 1)  # type: ignore[arg-type]
    assert (found.tag, found.docs(query.query_id)) == ("listed", (second,))
