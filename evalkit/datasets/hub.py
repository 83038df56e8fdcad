"""The source for datasets of the Hugging Face hub, through the `datasets` package."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from evalkit.config import DatasetSettings
from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import (
    check_id,
    check_ids,
    documents,
    find_column,
    queries_with_exclusions,
    read_judgment_rows,
    required_value,
)
from evalkit.datasets.hub_files import read_beir_files
from evalkit.datasets.hub_judged_queries import (
    LABELS,
    read_judged_queries,
    split_of_documents,
    split_of_queries,
)
from evalkit.datasets.hub_layouts import BEIR, Layout, find_layout, parts_of
from evalkit.datasets.hub_lists import PASSAGES, POSITIVES, ListColumns, read_lists
from evalkit.datasets.hub_places import CandidatePlace, CorpusPlace, JudgmentPlace, Place, QueryPlace
from evalkit.datasets.hub_tables import Repository, Table
from evalkit.datasets.images import refuse_images
from evalkit.datasets.pairs import DOCUMENT, QUERY, candidates_run, random_score, read_pairs
from evalkit.datasets.query_instructions import with_instructions
from evalkit.datasets.tables import build_qrels
from evalkit.errors import DataFormatError, DatasetError
from evalkit.formats import Rows
from evalkit.formats.column_names import JUDGED_DOCUMENT, JUDGED_QUERY
from evalkit.records import Run

LISTED = ("corpus-ids", "corpus_ids", "bm25-ranked-ids")
"""Columns with a list of the candidates of a query, in mteb's and NanoBEIR's tables."""


class Hub:
    """A dataset of the Hugging Face hub, in the layout of BEIR, mteb or MS MARCO, or with named columns."""

    class Settings(DatasetSettings):
        """Settings of a `hub` dataset.

        Attributes
        ----------
        path
            Hub name, ``owner/name``. ``beir/<name>`` means ``BeIR/<name>``.
        split
            Split of the judgments; also of the other tables, if they have it.
        revision
            Commit, branch or tag of the hub repository.
        subset
            Language or part, if a repository contains several: ``de`` for ``de-corpus``, ``de-queries``, ``de-qrels``,
            or for ``corpus-de``, ``queries-de``, ``de``.
        shape
            ``beir``: tables of corpus, queries and judgments. ``lists``: one row per query, with lists of
            documents. ``pairs``: one row per query and document. Default: detected from configurations and columns.
        qrels_path
            Repository of the judgments (default: ``BeIR/<name>-qrels`` for BeIR, else the ``qrels`` or ``default``
            configuration of the same repository).
        corpus_path
            Repository of the documents, for one whose queries list their judgments themselves (MAIR).
        long_documents
            ``true``: the long documents of BRIGHT, with their judgments.
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
        corpus_path: str | None = None
        long_documents: bool = False
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
        if settings.corpus_path is not None:
            parts = _read_judged_queries(settings, repository, Repository(settings.corpus_path))
        else:
            parts = _read_beir(settings, repository) if beir else _read(settings, repository)
        licence, commit = repository.licence_and_commit()
        return replace(parts, licence=licence or parts.licence, revision=commit or settings.revision)


def _read_beir(settings: Hub.Settings, repository: Repository) -> Parts:
    """Read a repository of BeIR: its tables have known names, and its judgments are in a second repository."""
    corpus, queries = settings.corpus, settings.queries
    tables = _Tables(
        corpus=repository.table(corpus.config or "corpus", corpus.split or "corpus"),
        queries=repository.table(queries.config or "queries", queries.split or "queries"),
        qrels=_judgment_table(settings, repository, BEIR, settings.qrels_path or f"{repository.path}-qrels"),
    )
    return _parts_of_tables(settings, repository, tables)


def _read_judged_queries(settings: Hub.Settings, asked: Repository, listed: Repository) -> Parts:
    """Read a repository of queries with their judgments, and one of documents, in the same configuration."""
    config = settings.queries.config or settings.subset
    split = settings.queries.split or split_of_queries(asked, config, settings.split)
    of_documents = settings.corpus.config or settings.subset
    documents_split = settings.corpus.split or split_of_documents(listed, of_documents, split)
    tables = asked.table(config, split), listed.table(of_documents, documents_split)
    parts = read_judged_queries(*tables, (settings.queries, settings.corpus, settings.qrels))
    return replace(parts, location=asked.location, split=split)


def _read(settings: Hub.Settings, repository: Repository) -> Parts:
    try:
        configs = repository.configs()
    except (DataFormatError, DatasetError):
        parts = read_beir_files(repository, settings.subset, settings.split)
        if parts is None:
            raise
        return parts
    if configs == ["default"] and _names_no_table(settings):
        parts = read_beir_files(repository, settings.subset, settings.split)
        if parts is not None:
            return parts
    layout = find_layout(configs, settings.subset, long_documents=settings.long_documents)
    has_corpus = layout.corpus is not None or settings.corpus != CorpusPlace()
    if settings.shape == "beir" or (
        settings.shape is None and (has_corpus or _splits_are_tables(settings, repository, configs))
    ):
        if layout.corpus is not None and layout.queries is None and layout.qrels is not None:
            return _lists_with_corpus(settings, repository, layout)
        _check_has_judgments(settings, repository, layout, configs)
        return _parts_of_tables(settings, repository, _open_tables(settings, repository, layout))
    _check_part(settings, repository, configs)
    return _read_one_table(settings, repository)


def _check_part(settings: Hub.Settings, repository: Repository, configs: list[str]) -> None:
    """Raise a `DataFormatError` if the repository has parts with a corpus each, and none of them is chosen."""
    parts = parts_of(configs)
    if not parts or settings.pairs.config is not None or settings.subset in configs:
        return
    names = f"set subset to one of: {', '.join(parts)}"
    if settings.subset is None:
        raise DataFormatError(
            f"the hub dataset {repository.path!r} contains {len(parts)} parts, each with a corpus", names
        )
    raise DataFormatError(f"the hub dataset {repository.path!r} has no part {settings.subset!r}", names)


def _lists_with_corpus(settings: Hub.Settings, repository: Repository, layout: Layout) -> Parts:
    """Read a repository whose queries list their judged documents, next to a table of all documents (MLDR)."""
    corpus = settings.corpus
    split = corpus.split or repository.any_split(layout.corpus, ["corpus", settings.split])
    documents_table = repository.table(corpus.config or layout.corpus, split)
    queries = repository.table(layout.qrels, settings.split)
    parts = read_lists(queries.rows(), settings.pairs, repository.location, settings.split)
    return replace(
        parts,
        documents=documents(documents_table.rows(), corpus),
        stamp=documents_table.stamp(corpus.model_dump(mode="json")),
    )


def _check_has_judgments(
    settings: Hub.Settings, repository: Repository, layout: Layout, configs: list[str]
) -> None:
    """Raise a `DataFormatError` if it is not known where the judgments of a repository with a corpus are."""
    only_other = len(configs) == 1 and layout.corpus is None
    if layout.qrels or settings.qrels.config or settings.qrels_path or only_other:
        return
    raise DataFormatError(
        f"the hub dataset {repository.path!r} contains a corpus, but no judgments under a usual name; its"
        f" configurations: {', '.join(configs)}",
        "set qrels: {config: ...}, or qrels_path to the repository with the judgments",
    )


def _splits_are_tables(settings: Hub.Settings, repository: Repository, configs: list[str]) -> bool:
    """Return whether corpus and queries are splits of the only configuration, as in CoIR and C-MTEB.

    Raises
    ------
    DataFormatError
        If they are, and there is no split of the judgments and no other repository with judgments.
    """
    if len(configs) > 1 or settings.pairs != ListColumns():
        return False
    splits = repository.splits(None)
    if not {"corpus", "queries"} <= set(splits):
        return False
    if settings.qrels_path is None and (settings.qrels.split or settings.split) not in splits:
        raise DataFormatError(
            f"the hub dataset {repository.path!r} contains a corpus and queries, but no judgments; its splits:"
            f" {', '.join(splits)}",
            "set qrels_path to the repository with the judgments",
        )
    return True


def _names_no_table(settings: Hub.Settings) -> bool:
    """Return whether the settings leave it open where the tables are."""
    tables = (settings.corpus, settings.queries, settings.qrels, settings.pairs)
    return settings.shape is None and tables == (CorpusPlace(), QueryPlace(), JudgmentPlace(), ListColumns())


@dataclass(frozen=True, slots=True)
class _Tables:
    """The tables of a dataset; None for those that it lacks."""

    corpus: Table
    queries: Table
    qrels: Table
    relevant: str | None = None
    candidates: Table | None = None
    instructions: Table | None = None


def _open_tables(settings: Hub.Settings, repository: Repository, layout: Layout) -> _Tables:
    def table(place: Place, config: str | None, name: str) -> Table:
        config = place.config or config
        return repository.table(config, place.split or repository.any_split(config, [name, settings.split]))

    candidates, instructions = settings.candidates, layout.instructions
    return _Tables(
        corpus=table(settings.corpus, layout.corpus, "corpus"),
        queries=table(settings.queries, layout.queries, "queries"),
        qrels=_judgment_table(settings, repository, layout, settings.qrels_path),
        relevant=layout.relevant,
        candidates=table(candidates, layout.candidates, "top_ranked")
        if candidates.config or layout.candidates
        else None,
        instructions=table(Place(), instructions, "instruction") if instructions else None,
    )


def _judgment_table(
    settings: Hub.Settings, repository: Repository, layout: Layout, qrels_path: str | None
) -> Table:
    place = settings.qrels
    split = place.split or settings.split
    if qrels_path is not None and qrels_path != repository.path:
        return Repository(qrels_path).table(place.config, split)
    return repository.table(place.config or layout.qrels, split)


def _parts_of_tables(settings: Hub.Settings, repository: Repository, tables: _Tables) -> Parts:
    columns = settings.qrels
    if tables.relevant and columns.document is None:
        columns = columns.model_copy(update={"document": tables.relevant})
    queries, excluded = queries_with_exclusions(tables.queries.rows(), settings.queries)
    if tables.instructions:
        queries = with_instructions(queries, tables.instructions.rows())
    judgments, ungraded = read_judgment_rows(tables.qrels.rows(), columns)
    candidates = tables.candidates
    return Parts(
        location=repository.location,
        split=settings.split,
        documents=documents(tables.corpus.rows(), settings.corpus),
        queries=queries,
        qrels=build_qrels(judgments, tables.qrels.name),
        candidates=_candidates(candidates.rows(), settings.candidates) if candidates else None,
        stamp=tables.corpus.stamp(settings.corpus.model_dump(mode="json")),
        excluded=excluded,
        ungraded=ungraded,
    )


def _candidates(rows: Rows, columns: CandidatePlace) -> Run | None:
    """Return the documents listed for each query: in the listed order if that is a ranking, else in random order."""
    scores: dict[tuple[str, str], float] = {}
    for where, row in rows:
        query_id = check_id(required_value(row, columns.query, JUDGED_QUERY, where, "query"), where)
        cell = required_value(row, columns.documents, (*LISTED, *JUDGED_DOCUMENT), where, "documents")
        for doc_id in check_ids(cell, where):
            # Earlier rows have lower numbers, so that the order holds for lists and for one document a row.
            score = 1 / (1 + len(scores)) if columns.ordered else random_score(query_id, doc_id)
            scores.setdefault((query_id, doc_id), score)
    return candidates_run(scores)


def _read_one_table(settings: Hub.Settings, repository: Repository) -> Parts:
    config = settings.pairs.config or settings.subset
    split = repository.any_split(config, [settings.split])
    table = repository.table(config, split)
    columns, where = settings.pairs, repository.location
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
        if columns.document is None:
            refuse_images(row, where, "pairs: {document: ...}")
        if find_column(row, columns.document, DOCUMENT, where):
            return "pairs"
        if find_column(row, None, LABELS, where):
            raise DataFormatError(
                f"{where} contains queries with their judgments, but no documents",
                "set corpus_path to the repository with the documents",
            )
    raise DataFormatError(
        f"{where} has no known columns; its columns: {', '.join(row)}",
        "set pairs: {query: ..., positives: ..., negatives: ...} or pairs:"
        " {query: ..., document: ..., grade: ...}, or set corpus:, queries: and qrels: for separate"
        " tables",
    )
