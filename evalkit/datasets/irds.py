"""The source for collections of the ir_datasets catalogue."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal

from evalkit.config import DatasetSettings
from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import INSTRUCTION, check_id, check_text
from evalkit.datasets.corpora import RawDocument, Stamp
from evalkit.datasets.pairs import candidates_run
from evalkit.datasets.tables import build_qrels
from evalkit.errors import DataFormatError, DatasetError, MissingExtraError, nearest_name_hint
from evalkit.http_client import why_unreachable
from evalkit.records import Query, Run, plain_grade
from evalkit.records.qrels import check_grade

_MIRROR = "https://mirror.ir-datasets.com"
_ONE_TRY = {"IR_DATASETS_DL_TRIES": "1", "IR_DATASETS_DL_TIMEOUT": "2"}
_BYTES_PER_DOCUMENT = 500
"""An estimate: the catalogue states the number of documents but not their size."""


class IrDatasets:
    """A collection of the ir_datasets catalogue, by its id (extra `ir_datasets`)."""

    class Settings(DatasetSettings):
        """Settings of `ir_datasets`.

        Attributes
        ----------
        id
            ID in the catalogue, e.g. ``beir/scifact/test`` or ``msmarco-passage/trec-dl-2019/judged``.
        """

        source: Literal["ir_datasets"] = "ir_datasets"
        id: str

        def default_name(self) -> str:
            """Return the id, its parts joined by dashes."""
            return self.id.replace("/", "-")

    @staticmethod
    def read(settings: Settings) -> Parts:
        """Read a collection; the package downloads it if necessary and permitted."""
        where = f"ir_datasets:{settings.id}"
        collection = _open_collection(settings.id)
        for part in ("docs", "queries", "qrels"):
            if not getattr(collection, f"has_{part}")():
                raise DataFormatError(
                    f"{where} has no {part}",
                    "choose a part of the collection that has them, such as one that ends in /test or"
                    " /judged",
                )
        judgments = (
            (
                check_id(row.query_id, where),
                check_id(row.doc_id, where),
                plain_grade(check_grade(row.relevance, where)),
            )
            for row in _iterate(collection.qrels_iter, where)
        )
        return Parts(
            location=where,
            split=None,
            documents=_documents(collection, where),
            queries=_queries(collection, where),
            qrels=build_qrels(judgments, where),
            candidates=_candidates(collection, where) if collection.has_scoreddocs() else None,
            stamp=_stamp(collection, settings.id),
        )


def _open_collection(name: str) -> Any:
    try:
        import ir_datasets
    except ImportError:
        raise MissingExtraError("the ir_datasets source", "ir_datasets") from None
    try:
        return ir_datasets.load(name)
    except KeyError:
        raise DatasetError(
            f"ir_datasets has no collection {name!r}", nearest_name_hint(name, ir_datasets.registry)
        ) from None


def _iterate(open_iterator: Callable[[], Iterable[Any]], where: str) -> Iterator[Any]:
    """Yield the rows of a part of a collection; the package downloads it before the first row."""
    unreachable = why_unreachable(_MIRROR)
    try:
        with nullcontext() if unreachable is None else _one_try():
            yield from open_iterator()
    except Exception as error:  # the package does not wrap the errors of its downloads and parsers
        if unreachable is not None:
            raise DatasetError(
                f"{where} is not in the cache, and {_MIRROR} cannot be reached ({unreachable})",
                "check the network",
            ) from error
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DatasetError(
            f"cannot download {where}: {reason}",
            "follow the instructions for this collection on https://ir-datasets.com",
        ) from error


@contextmanager
def _one_try() -> Iterator[None]:
    """Have the package try each download once, without log lines."""
    before, disabled = {name: os.environ.get(name) for name in _ONE_TRY}, logging.root.manager.disable
    os.environ.update(_ONE_TRY)
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(disabled)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _documents(collection: Any, where: str) -> Iterator[RawDocument]:
    for document in _iterate(collection.docs_iter, where):
        title, text = getattr(document, "title", None), getattr(document, "text", None)
        if isinstance(title, str) and isinstance(text, str):
            yield RawDocument(check_id(document.doc_id, where), title, text)
        else:
            yield RawDocument(check_id(document.doc_id, where), "", document.default_text())


def _queries(collection: Any, where: str) -> Iterator[Query]:
    for query in _iterate(collection.queries_iter, where):
        text = query.default_text()
        fields = {
            name: value
            for name, value in query._asdict().items()
            if isinstance(value, str) and name not in {"query_id", INSTRUCTION} and value != text
        }
        instruction = check_text(getattr(query, INSTRUCTION, None), where, "instruction")
        yield Query(check_id(query.query_id, where), text, fields, instruction if instruction.strip() else "")


def _candidates(collection: Any, where: str) -> Run | None:
    rows = _iterate(collection.scoreddocs_iter, where)
    return candidates_run({(row.query_id, row.doc_id): float(row.score) for row in rows})


def _stamp(collection: Any, name: str) -> Stamp | None:
    """Return the stamp of a collection, which does not change under its id; None if its size is unknown."""
    import ir_datasets

    has_metadata = hasattr(collection, "docs_metadata")
    documents = (collection.docs_metadata() or {}).get("count") if has_metadata else None
    if documents is None:
        return None
    return Stamp(f"ir_datasets {ir_datasets.__version__} {name}", documents * _BYTES_PER_DOCUMENT)
