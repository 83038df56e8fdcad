"""``evalkit queries write``."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from evalkit.cli.options import JSON, SET, WholeNumber, remember_config
from evalkit.cli.output import echo, echo_json

if TYPE_CHECKING:
    from evalkit.workflows.writing_pass import Writer
    from evalkit.workflows.written_query_files import WrittenQueries


_REASONS = {
    "refusal": "the model declined",
    "answer": "the last answer was not one question",
    "forbidden": "the last question used one of the document's rarest words",
    "copied": "the last question copied the document",
    "reordered": "the last question had the same words as a sentence of the document",
}
"""Why a document has no question -> in words."""

_STARTER_SAMPLE = 40
"""Queries of `human_sample` in the file of `evalkit init --for judging`."""


class Options(TypedDict):
    """The flags of the command."""

    into: Path
    questions: int
    tag: str | None
    url: str | None
    model: str | None
    api_key_env: str | None
    seed: int
    min_words: int
    overrides: tuple[str, ...]
    as_json: bool


@click.command()
@click.argument("source", metavar="CONFIG|CORPUS", callback=remember_config)
@click.option(
    "--into", metavar="FILE", type=click.Path(path_type=Path), required=True, help="Write to FILE (.jsonl)."
)
@click.option("-n", "--questions", type=WholeNumber(1), required=True, help="Number of documents to draw.")
@click.option("--judge", "tag", metavar="TAG", help="Judge of CONFIG (backend: chat) that writes.")
@click.option("--url", help="Chat API that writes for the documents of CORPUS.")
@click.option("--model", help="Model of the chat API.")
@click.option("--api-key-env", metavar="NAME", help="Environment variable with the key of the chat API.")
@click.option("--seed", type=WholeNumber(0), default=0, show_default=True, help="Seed of the draw.")
@click.option(
    "--min-words", type=WholeNumber(1), default=30, show_default=True, help="Shorter documents are not drawn."
)
@SET
@JSON
def write(source: str, **options: Unpack[Options]) -> None:
    """Let a model write questions for random documents of a collection.

    CORPUS is a table of documents (CSV, JSON Lines, Parquet), or a folder of text files. Copies of a document and its
    rarest words are rejected. The queries are marked as synthetic, and a gate on them alone does not pass. The same
    command resumes.
    """
    from evalkit.errors import IncompleteError
    from evalkit.results.json_shapes import to_json
    from evalkit.workflows.query_writing import write_queries
    from evalkit.workflows.writing_pass import WritingSettings

    settings = WritingSettings(options["questions"], least_words=options["min_words"], seed=options["seed"])
    command = shlex.join(["evalkit", *sys.argv[1:]])
    done = write_queries(_writer(source, options), options["into"], settings, command)
    if options["as_json"]:
        echo_json(to_json([asdict(done)]))
    else:
        _show(done, options["into"])
    if done.left:
        again = f"run the same command again: {command}"
        raise IncompleteError(
            f"documents without an answer: {done.left}; {done.stopped}",
            f"{done.remedy}; then {again}" if done.remedy else again,
        )


def _writer(source: str, options: Options) -> Writer:
    """Return the documents and the model that the arguments name."""
    from evalkit.config import is_config_file
    from evalkit.errors import InputError
    from evalkit.workflows.query_writing import writer_of_config, writer_of_corpus

    tag, url, model = options["tag"], options["url"], options["model"]
    if is_config_file(source):
        if tag is None or url is not None or model is not None:
            raise InputError(
                "a configuration needs --judge, and no --url or --model", "name one of its judges"
            )
        return writer_of_config(source, tag, options["overrides"])
    if url is None or model is None or tag is not None or options["overrides"]:
        raise InputError(
            "a table of documents needs --url and --model, and no --judge or --set",
            "name the chat API, or use a configuration",
        )
    return writer_of_corpus(Path(source), url, model, options["api_key_env"])


def _show(done: WrittenQueries, into: Path) -> None:
    echo(f"{done.queries} synthetic queries written to {into}, with judgments in {into}.judgments.jsonl")
    for kind, count in done.given_up.items():
        echo(f"documents without a query, because {_REASONS.get(kind, kind)}: {count}")
    if done.overlap is not None and done.found_first is not None:
        echo(
            f"words of a query that are in its document: {done.overlap:.0%};"
            f" BM25 ranks the document first for {done.found_first:.0%} of the queries"
        )
    if not done.left:
        echo(
            f"next: evalkit init --for judging; there, set the path of queries: to {into}, remove the three *_field"
            f" keys, and add {{path: {into}.judgments.jsonl}} to judgments:{_sample_size(done.queries)}"
        )


def _sample_size(queries: int) -> str:
    """Return that the human sample of the file has to be smaller, if it has more queries than were written."""
    return (
        f"; with {queries} queries, lower human_sample: to at most that" if queries < _STARTER_SAMPLE else ""
    )
