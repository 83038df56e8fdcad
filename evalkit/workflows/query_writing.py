"""``evalkit queries write``: a model writes questions for sampled documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalkit.config import load_config
from evalkit.datasets import open_dataset
from evalkit.datasets.columns import DocumentColumns, documents
from evalkit.datasets.corpora import build_corpus
from evalkit.errors import BudgetError, InputError, InterruptError, StorageError, UnknownNameError
from evalkit.formats import read_rows
from evalkit.formats.text_folders import read_text_folder
from evalkit.rerankers.chat_access import ChatAccess
from evalkit.workflows.writing_pass import Writer, WritingPass, WritingSettings
from evalkit.workflows.written_query_files import WrittenQueries, check_own_queries, write_results


def writer_of_config(path: str, tag: str, overrides: Sequence[str] = ()) -> Writer:
    """Return the documents of a configuration's only dataset, and one of its judges as the writer.

    Raises
    ------
    InputError
        If there are several datasets, no such judge, or one that is not behind a chat API.
    """
    config = load_config(path, overrides)
    if tag not in config.judges:
        raise UnknownNameError("judge", tag, config.judges)
    judge = config.judges[tag]
    access: Any = judge
    if not isinstance(access, ChatAccess):
        raise InputError(f"judges.{tag} is not behind a chat API", "name a judge with backend: chat")
    if len(config.datasets) != 1:
        raise InputError(
            f"{path} has {len(config.datasets)} datasets", "use a configuration with one dataset"
        )
    dataset = open_dataset(config.datasets[0])
    budget = config.budget.usd if config.budget else None
    language = dataset.origin.language
    return Writer(dataset.name, dataset.corpus, language, access, judge.concurrency, budget)


def writer_of_corpus(path: Path, url: str, model: str, key_variable: str | None) -> Writer:
    """Return the documents of a table or of a folder of text files, and a chat API as the writer.

    Raises
    ------
    DataFormatError
        If the table is none of documents, or the folder has no text files.
    InputError
        If there is no such file or folder.
    """
    if not path.exists():
        raise InputError(
            f"{path}: no such file or folder", "name a table of documents or a folder of text files"
        )
    rows = read_text_folder(path) if path.is_dir() else read_rows(path)
    corpus = build_corpus(documents(rows, DocumentColumns()), "{title}\n{text}", None, path.name)
    access = ChatAccess(url=url, model=model, api_key_env=key_variable)
    return Writer(path.name, corpus.corpus, "english", access)


def write_queries(writer: Writer, into: Path, settings: WritingSettings, command: str) -> WrittenQueries:
    """Ask for a question for each drawn document, and write the questions with their judgments.

    Files: FILE with the queries, FILE.judgments.jsonl, to which missing judgments are appended, FILE.answers.jsonl with
    every answer, FILE.record.json.

    Raises
    ------
    InputError
        If FILE does not end in ``.jsonl`` or has other queries, or too few documents are long enough.
    InterruptError, BudgetError, StorageError
        If the user stops, the next call could exceed the budget, or a file cannot be written; answers are kept.
    """
    if into.suffix.lower() != ".jsonl":
        raise InputError(f"{into} has an unknown format", "use a name that ends in .jsonl")
    pass_ = WritingPass(writer, into.with_name(f"{into.name}.answers.jsonl"), settings)
    try:
        check_own_queries(pass_, into)
        stopped = pass_.run()
    except KeyboardInterrupt:
        raise InterruptError("interrupted; all answers are kept", f"resume with: {command}") from None
    except (BudgetError, StorageError) as error:
        raise type(error)(
            f"{error.message}; all answers are kept", f"{error.hint}; then: {command}"
        ) from None
    finally:
        pass_.close()
    return write_results(pass_, into, stopped)
