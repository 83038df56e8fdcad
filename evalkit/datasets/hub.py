"""A dataset of the Hugging Face hub, through the `datasets` package."""

from __future__ import annotations

from typing import Any, Literal

from evalkit.config import DatasetSettings
from evalkit.datasets.assemble import Parts, RawDocument, assemble
from evalkit.datasets.fields import checked_identifier
from evalkit.errors import DataFormatError, DatasetError
from evalkit.records import Dataset, Qrels, Query


class Hub:
    """A BEIR-shaped dataset of the Hugging Face hub; ``beir/<name>`` is BeIR/<name> with its qrels."""

    class Settings(DatasetSettings):
        """Settings of a `hub` dataset.

        Attributes
        ----------
        path
            Hub name, ``owner/name``; ``beir/<name>`` stands for ``BeIR/<name>``.
        split
            Split of the judgments.
        revision
            Commit, branch or tag of the hub repository.
        qrels_path
            Repository of the judgments. By default ``BeIR/<name>-qrels`` for BeIR, else the
            same repository's ``default`` configuration (the layout of mteb's retrieval sets).
        """

        source: Literal["hub"] = "hub"
        path: str
        split: str = "test"
        revision: str | None = None
        qrels_path: str | None = None

        def default_name(self) -> str:
            """Return the part after the owner."""
            return self.path.rpartition("/")[2]

    @staticmethod
    def load(settings: Settings) -> Dataset:
        """Fetch corpus, queries and judgments; later loads come from the package's own cache."""
        owner, _, name = settings.path.partition("/")
        beir = owner.lower() == "beir"
        path = f"BeIR/{name}" if beir else settings.path
        qrels_path = settings.qrels_path or (f"BeIR/{name}-qrels" if beir else path)
        corpus = _table(path, "corpus", "corpus", settings.revision)
        queries = _table(path, "queries", "queries", settings.revision)
        own_revision = settings.revision if qrels_path == path else None
        judgments = _table(qrels_path, None, settings.split, own_revision)
        parts = Parts(
            location=f"hub:{path}" + (f"@{settings.revision}" if settings.revision else ""),
            split=settings.split,
            documents=[
                RawDocument(checked_identifier(str(i), path), title or "", text or "")
                for i, title, text in zip(*_columns(path, corpus, "_id", "title", "text"), strict=True)
            ],
            queries=[
                Query(checked_identifier(str(i), path), text)
                for i, text in zip(*_columns(path, queries, "_id", "text"), strict=True)
            ],
            qrels=Qrels.from_rows(
                (str(q), str(d), int(grade))
                for q, d, grade in zip(
                    *_columns(qrels_path, judgments, "query-id", "corpus-id", "score"), strict=True
                )
            ),
        )
        return assemble(settings, parts)


def _table(path: str, config: str | None, split: str, revision: str | None) -> Any:
    import datasets
    from datasets.exceptions import DatasetNotFoundError

    what = (
        f"{path!r} (configuration {config!r}, split {split!r})" if config else f"{path!r} (split {split!r})"
    )
    try:
        return datasets.load_dataset(path, config, split=split, revision=revision)
    except DatasetNotFoundError:
        raise DatasetError(
            f"the hub has no dataset {path!r}", "check the name; a private dataset needs HF_TOKEN"
        ) from None
    except ValueError as error:
        raise DataFormatError(f"the hub dataset {what} cannot be read: {_first_line(error)}") from None
    except (OSError, RuntimeError) as error:
        raise DatasetError(
            f"the hub dataset {what} cannot be fetched: {_first_line(error)}",
            "check the network and HF_ENDPOINT, or download the dataset and use source: beir_folder",
        ) from None


def _columns(path: str, table: Any, *names: str) -> list[list[Any]]:
    missing = [name for name in names if name not in table.column_names and name != "title"]
    if missing:
        raise DataFormatError(
            f"the hub dataset {path!r} has no column {missing[0]!r}",
            f"its columns: {', '.join(table.column_names)}",
        )
    held = table.to_dict()
    return [held.get(name, [""] * table.num_rows) for name in names]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
