"""The source for datasets of the Hugging Face hub, through the `datasets` package."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from evalkit.config import DatasetSettings
from evalkit.config import Settings as Block
from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import (
    JUDGED_DOCUMENT,
    JUDGED_QUERY,
    DocumentColumns,
    JudgmentColumns,
    QueryColumns,
    check_id,
    documents,
    find_column,
    judgments,
    queries,
    required_value,
)
from evalkit.datasets.hub_lists import PASSAGES, POSITIVES, ListColumns, read_lists
from evalkit.datasets.hub_tables import Repository, Table
from evalkit.datasets.pairs import DOCUMENT, QUERY, candidates_run, random_score, read_pairs
from evalkit.datasets.tables import build_qrels
from evalkit.errors import DataFormatError
from evalkit.formats import Rows
from evalkit.records import Run


class Place(Block):
    """Location of a table in the repository (default: common names).

    Attributes
    ----------
    config, split
        Of the table, as the hub has it.
    """

    config: str | None = None
    split: str | None = None


class CorpusPlace(Place, DocumentColumns):
    """Where the documents are, and in which columns."""


class QueryPlace(Place, QueryColumns):
    """Where the queries are, and in which columns."""


class JudgmentPlace(Place, JudgmentColumns):
    """Where the judgments are, and in which columns."""


class CandidatePlace(Place):
    """Where the candidates of each query are listed, and in which columns.

    Attributes
    ----------
    query, documents
        The columns of ids; those of documents in a list, or one a row.
    """

    query: str | None = None
    documents: str | None = None


class Hub:
    """A dataset of the Hugging Face hub, in the layout of BEIR, mteb or MS MARCO, or with named columns."""

    class Settings(DatasetSettings):
        """Settings of a `hub` dataset.

        Attributes
        ----------
        path
            Hub name, ``owner/name``. ``beir/<name>`` means ``BeIR/<name>``.
        split
            Split of the judgments.
        revision
            Commit, branch or tag of the hub repository.
        subset
            Language or part, if a repository contains several: ``de`` for ``de-corpus``, ``de-queries``, ``de-qrels``.
        shape
            ``beir``: tables of corpus, queries and judgments. ``lists``: one row per query, with lists of
            documents. ``pairs``: one row per query and document. Default: detected from configurations and columns.
        qrels_path
            Repository of the judgments (default: ``BeIR/<name>-qrels`` for BeIR, else the ``qrels`` or ``default``
            configuration of the same repository).
        corpus, queries, qrels, candidates
            Location and column names of these tables (shape ``beir``).
        pairs
            Column names of a table with queries and documents (shapes ``lists`` and ``pairs``).
        """

        source: Literal["hub"] = "hub"
        path: str
        split: str = "test"
        revision: str | None = None
        subset: str | None = None
        shape: Literal["beir", "lists", "pairs"] | None = None
        qrels_path: str | None = None
        corpus: CorpusPlace = CorpusPlace()
        queries: QueryPlace = QueryPlace()
        qrels: JudgmentPlace = JudgmentPlace()
        candidates: CandidatePlace = CandidatePlace()
        pairs: ListColumns = ListColumns()

        def default_name(self) -> str:
            """Return the part after the owner."""
            name = self.path.rpartition("/")[2]
            return f"{name}-{self.subset}" if self.subset else name

    @staticmethod
    def read(settings: Settings) -> Parts:
        """Fetch the tables, or take them from the cache of the `datasets` package."""
        owner, _, name = settings.path.partition("/")
        beir = owner.lower() == "beir"
        repository = Repository(f"BeIR/{name}" if beir else settings.path, settings.revision)
        configs = ["corpus", "queries"] if beir else repository.configs()
        has_corpus = _config(settings, "corpus", configs) is not None or settings.corpus != CorpusPlace()
        if settings.shape == "beir" or (settings.shape is None and has_corpus):
            parts = _read_tables(settings, repository, configs, beir=beir)
        else:
            parts = _read_one_table(settings, repository)
        licence, commit = repository.licence_and_commit()
        return replace(parts, licence=licence, revision=commit or settings.revision)


def _location(repository: Repository) -> str:
    return f"hub:{repository.path}" + (f"@{repository.revision}" if repository.revision else "")


def _config(settings: Hub.Settings, name: str, configs: list[str]) -> str | None:
    """Return the hub configuration of a table, e.g. ``corpus``, or ``de-corpus`` for the subset ``de``, or None."""
    wanted = f"{settings.subset}-{name}" if settings.subset else name
    return wanted if wanted in configs else None


def _read_tables(settings: Hub.Settings, repository: Repository, configs: list[str], *, beir: bool) -> Parts:
    def table(place: Place, name: str, *splits: str) -> Table:
        config = place.config or _config(settings, name, configs)
        split = place.split or (name if beir else repository.any_split(config, [*splits, name]))
        return repository.table(config, split)

    corpus = table(settings.corpus, "corpus", "corpus", settings.split)
    query_table = table(settings.queries, "queries", "queries", settings.split)
    qrels = _judgment_table(settings, repository, configs, beir=beir)
    candidates = None
    if settings.candidates.config or _config(settings, "top_ranked", configs):
        candidate_table = table(settings.candidates, "top_ranked", settings.split)
        candidates = _candidates(candidate_table.rows(), settings.candidates)
    return Parts(
        location=_location(repository),
        split=settings.split,
        documents=documents(corpus.rows(), settings.corpus),
        queries=queries(query_table.rows(), settings.queries),
        qrels=build_qrels(judgments(qrels.rows(), settings.qrels), qrels.name),
        candidates=candidates,
        stamp=corpus.stamp(settings.corpus.model_dump(mode="json")),
    )


def _judgment_table(
    settings: Hub.Settings, repository: Repository, configs: list[str], *, beir: bool
) -> Table:
    place = settings.qrels
    split = place.split or settings.split
    qrels_path = settings.qrels_path or (f"{repository.path}-qrels" if beir else None)
    if qrels_path is not None and qrels_path != repository.path:
        return Repository(qrels_path).table(place.config, split)
    config = place.config or _config(settings, "qrels", configs) or _config(settings, "default", configs)
    return repository.table(config or settings.subset, split)


def _candidates(rows: Rows, columns: CandidatePlace) -> Run | None:
    """Return the documents listed for each query, in random order because the meaning of the given order is unknown."""
    scores: dict[tuple[str, str], float] = {}
    for where, row in rows:
        query_id = check_id(required_value(row, columns.query, JUDGED_QUERY, where, "query"), where)
        cell = required_value(
            row, columns.documents, ("corpus-ids", "corpus_ids", *JUDGED_DOCUMENT), where, "documents"
        )
        for value in cell if isinstance(cell, list) else [cell]:
            doc_id = check_id(value, where)
            scores[query_id, doc_id] = random_score(query_id, doc_id)
    return candidates_run(scores)


def _read_one_table(settings: Hub.Settings, repository: Repository) -> Parts:
    config = settings.pairs.config or settings.subset
    split = repository.any_split(config, [settings.split])
    table = repository.table(config, split)
    columns, where = settings.pairs, _location(repository)
    shape = settings.shape or _shape(table, columns)
    if shape == "lists":
        return read_lists(table.rows(), columns, where, split)
    return read_pairs(table.rows(), columns, where, split)


def _shape(table: Table, columns: ListColumns) -> str:
    """Return the shape of a table, ``lists`` or ``pairs``, from its columns.

    Raises
    ------
    DataFormatError
        If the table has the columns of neither shape.
    """
    row: dict[str, Any] = dict.fromkeys(table.columns)
    where = f"the hub dataset {table.name}"
    if find_column(row, columns.query, QUERY, where):
        has_positives = find_column(row, columns.positives, POSITIVES, where)
        if has_positives or find_column(row, columns.passages, PASSAGES, where):
            return "lists"
        if find_column(row, columns.document, DOCUMENT, where):
            return "pairs"
    raise DataFormatError(
        f"{where} has no known columns; its columns: {', '.join(row)}",
        "set pairs: {query: ..., positives: ..., negatives: ...} or pairs:"
        " {query: ..., document: ..., grade: ...}, or set corpus:, queries: and qrels: for separate"
        " tables",
    )
