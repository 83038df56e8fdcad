"""A collection of the ir_datasets catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from evalkit.config import DatasetSettings
from evalkit.datasets.assemble import Parts
from evalkit.datasets.columns import identifier
from evalkit.datasets.corpora import RawDocument, Stamp
from evalkit.datasets.pairs import listed_run
from evalkit.datasets.tables import judged
from evalkit.errors import DataFormatError, DatasetError, MissingExtraError, nearest_name_hint
from evalkit.records import Query, Run

_BYTES_A_DOCUMENT = 500
"""A guess, since the catalogue counts documents alone."""


class IrDatasets:
    """A collection of the ir_datasets catalogue, by its id (extra `ir_datasets`)."""

    class Settings(DatasetSettings):
        """Settings of `ir_datasets`.

        Attributes
        ----------
        id
            As the catalogue has it, e.g. ``beir/scifact/test`` or ``msmarco-passage/trec-dl-2019/judged``.
        """

        source: Literal["ir_datasets"] = "ir_datasets"
        id: str

        def default_name(self) -> str:
            """Return the id, its parts joined by dashes."""
            return self.id.replace("/", "-")

    @staticmethod
    def read(settings: Settings) -> Parts:
        """Read a collection, which the package downloads where it may and has not yet."""
        where = f"ir_datasets:{settings.id}"
        held = _opened(settings.id)
        for part in ("docs", "queries", "qrels"):
            if not getattr(held, f"has_{part}")():
                raise DataFormatError(
                    f"{where} has no {part}",
                    "choose a part of it that has, such as one that ends in /test or /judged",
                )
        judgments = (
            (identifier(one.query_id, where), identifier(one.doc_id, where), int(one.relevance))
            for one in _fetched(held.qrels_iter, where)
        )
        return Parts(
            location=where,
            split=None,
            documents=_documents(held, where),
            queries=_queries(held, where),
            qrels=judged(judgments, where),
            candidates=_candidates(held, where) if held.has_scoreddocs() else None,
            stamp=_stamp(held, settings.id),
        )


def _opened(name: str) -> Any:
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


def _fetched(iterate: Callable[[], Iterable[Any]], where: str) -> Iterator[Any]:
    """Walk through a part of a collection; it is downloaded at the first step."""
    try:
        yield from iterate()
    except Exception as error:  # the package lets through whatever its downloads and parsers raise
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DatasetError(
            f"{where} cannot be had: {said}", "the catalogue says how to get it: https://ir-datasets.com"
        ) from error


def _documents(held: Any, where: str) -> Iterator[RawDocument]:
    for one in _fetched(held.docs_iter, where):
        title, text = getattr(one, "title", None), getattr(one, "text", None)
        if isinstance(title, str) and isinstance(text, str):
            yield RawDocument(identifier(one.doc_id, where), title, text)
        else:
            yield RawDocument(identifier(one.doc_id, where), "", one.default_text())


def _queries(held: Any, where: str) -> Iterator[Query]:
    for one in _fetched(held.queries_iter, where):
        fields = {name: value for name, value in one._asdict().items() if isinstance(value, str)}
        text = one.default_text()
        others = {name: value for name, value in fields.items() if name != "query_id" and value != text}
        yield Query(identifier(one.query_id, where), text, others)


def _candidates(held: Any, where: str) -> Run | None:
    rows = _fetched(held.scoreddocs_iter, where)
    return listed_run({(one.query_id, one.doc_id): float(one.score) for one in rows})


def _stamp(held: Any, name: str) -> Stamp | None:
    """Return a stamp of a collection whose size the catalogue knows; those do not change under their id."""
    import ir_datasets

    documents = (held.docs_metadata() or {}).get("count") if hasattr(held, "docs_metadata") else None
    if documents is None:
        return None
    return Stamp(f"ir_datasets {ir_datasets.__version__} {name}", documents * _BYTES_A_DOCUMENT)
