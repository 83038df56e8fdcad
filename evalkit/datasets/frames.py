"""Build datasets from pandas frames, for example in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.config import DatasetSettings
from evalkit.datasets.assemble import Parts, assemble
from evalkit.datasets.columns import (
    DocumentColumns,
    JudgmentColumns,
    QueryColumns,
    documents,
    queries_with_exclusions,
    read_judgment_rows,
)
from evalkit.datasets.pairs import PairColumns, read_pairs
from evalkit.datasets.tables import build_qrels
from evalkit.formats import Rows
from evalkit.records import Dataset

if TYPE_CHECKING:
    import pandas as pd


def dataset_from_frames(
    corpus: pd.DataFrame,
    queries_: pd.DataFrame,
    qrels: pd.DataFrame,
    *,
    name: str = "frames",
    language: str = "english",
) -> Dataset:
    """Build a dataset from three frames: corpus, queries and judgments.

    An index with a name is treated as a column.

    Parameters
    ----------
    corpus
        Columns ``id`` (or ``_id``, ``doc_id``, ``docno``), ``text``, and optionally ``title``.
    queries_
        Columns ``id`` (or ``query_id``, ``qid``) and ``text`` (or ``query``), and optionally ``excluded_ids``, a list
        of documents that are never candidates of the query; other columns become fields of the queries.
    qrels
        Columns ``query_id`` (or ``qid``), ``doc_id`` (or ``docno``) and ``grade`` (or ``label``, ``relevance``).
        With the two ids only, every row is relevant.
    name
        Name of the dataset in tables.
    language
        Language of the texts, one of `evalkit.text_analysis.languages`.

    Raises
    ------
    DataFormatError
        If a column is missing or a value is invalid; the message names frame and row.
    """
    queries, excluded = queries_with_exclusions(_rows(queries_, "queries"), QueryColumns())
    judgments, ungraded = read_judgment_rows(_rows(qrels, "qrels"), JudgmentColumns())
    parts = Parts(
        location="frames in memory",
        split=None,
        documents=documents(_rows(corpus, "corpus"), DocumentColumns()),
        queries=queries,
        qrels=build_qrels(judgments, "qrels"),
        excluded=excluded,
        ungraded=ungraded,
    )
    return assemble(DatasetSettings(source="frames", name=name, language=language), parts)


def dataset_from_pairs(pairs: pd.DataFrame, *, name: str = "frame", language: str = "english") -> Dataset:
    """Build a dataset from one frame with a query, a document and a grade in every row.

    Parameters
    ----------
    pairs
        Columns ``query``, ``document`` (or ``text``, ``passage``) and ``grade`` (or ``label``, ``relevance``);
        optionally ``query_id``, ``doc_id`` and ``title``. The documents of a query are also its candidates.
    name, language
        See `dataset_from_frames`.
    """
    parts = read_pairs(_rows(pairs, "pairs"), PairColumns(), "a frame in memory")
    return assemble(DatasetSettings(source="frames", name=name, language=language), parts)


def _rows(frame: pd.DataFrame, what: str) -> Rows:
    if frame.index.name is not None:
        frame = frame.reset_index()
    objects = frame.astype(object).where(frame.notna(), None)
    columns = [str(column) for column in objects.columns]
    for number, values in enumerate(objects.itertuples(index=False, name=None), start=1):
        yield f"{what}, row {number}", dict(zip(columns, values, strict=True))
