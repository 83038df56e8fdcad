"""The references of commands and of configurations, as Markdown, written by the code they are about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

import click

from evalkit import registry
from evalkit.cli.main import cli
from evalkit.config import DatasetSettings, JudgeSettings, RerankerSettings, RetrieverSettings
from evalkit.config.experiment import Outline
from evalkit.config.gate_rules import GateSettings
from evalkit.config.key_reference import Key, keys_of
from evalkit.config.service import KeysFile
from evalkit.config.settings import Settings
from evalkit.encoding.embeddings.text_vectors import VectorModel
from evalkit.encoding.model_settings import EmbeddingModel, LocalModel
from evalkit.rerankers.chat_access import ChatAccess
from evalkit.rerankers.decision_access import DecisionAccess
from evalkit.rerankers.remote_access import RemoteAccess
from evalkit.text_analysis import languages

KINDS = {
    "dataset source": ("## Datasets", "source", DatasetSettings),
    "retriever kind": ("## Retrievers", "kind", RetrieverSettings),
    "reranker backend": ("## Rerankers", "backend", RerankerSettings),
    "judge backend": ("## Judges", "backend", JudgeSettings),
}
"""Kind of plugin -> its heading, the key that names one, and what all of them understand."""
SHARED = {
    DatasetSettings: "Every dataset",
    RetrieverSettings: "Every retriever",
    RerankerSettings: "Every reranker",
    JudgeSettings: "Every judge",
    LocalModel: "Every local model",
    EmbeddingModel: "Every model that embeds",
    VectorModel: "Every model with one vector per text",
    RemoteAccess: "Every API",
    ChatAccess: "Every chat API",
    DecisionAccess: "Every decision API",
}
"""Classes that several plugins build on -> the heading under which their keys stand, once."""
CONFIGURATION = """\
# Every key of a configuration

Written by the code (`make golden`): keys, what they take, defaults and meanings are those of the classes that check
them. [README.md](README.md) lists pages by task; `evalkit plugin show NAME` prints the keys of one plugin, including
your own; `evalkit config schema` prints a schema for editors. A key without a default is optional.
"""
COMMANDS = """\
# Every command

Written by the code (`make golden`). Tables are printed on stdout, progress and warnings on stderr. `--json` prints a
table as JSON.

RESULT is a result folder, a folder that contains results (the newest complete one is used), or the word `latest`: the
newest complete result in `results/`. Commands that need scores skip results of `evalkit bench`.
"""
EXIT_CODES = """\
## Exit codes

| code | meaning |
| ---: | --- |
| 0 | done; the gate passed |
| 1 | the gate did not pass; no other command uses this code |
| 2 | invalid input: flags, configuration, unknown name, unreadable file; nothing was run |
| 3 | something outside evalkit failed: missing dataset, unreachable backend, failed calls, incomplete result |
| 70 | a bug in evalkit; the message names a file with the traceback |
| 130 | interrupted; measurements are saved, and the command to resume is printed |
"""


def configuration_reference() -> str:
    """Return every key of every block."""
    whole = [
        key for key in keys_of(Outline) if key.name not in {"datasets", "retriever", "rerankers", "judges"}
    ]
    lines = [CONFIGURATION, "## The whole", "", *_table(keys_of(Outline)), *_blocks(whole, "")]
    for kind in KINDS:
        lines += _plugins(kind)
    for base in (LocalModel, EmbeddingModel, VectorModel, RemoteAccess, ChatAccess, DecisionAccess):
        lines += _shared(base, "##")
    lines += ["## Dialects", "", "Of `backend: http`.", "", *_dialects()]
    lines += ["## Languages", "", f"{', '.join(languages())}.", ""]
    for title, settings in (
        ("## Rules of a gate (`evalkit gate --rules FILE`)", GateSettings),
        ("## Keys of a service (`service.keys_file`)", KeysFile),
    ):
        lines += [title, "", *_table(keys_of(settings)), *_blocks(keys_of(settings), "")]
    return "\n".join(lines).rstrip() + "\n"


def _shared(base: type[Settings], level: str, selector: str = "") -> list[str]:
    """Return the keys that a class adds to what its own bases have."""
    own = [key for key in keys_of(base) if key.owner is base and key.name != selector]
    return [f"{level} {SHARED[base]}", "", *_table(own), *_blocks(own, "")]


def _plugins(kind: str) -> Iterator[str]:
    """Give what all plugins of a kind understand, then what each one does besides."""
    title, selector, base = KINDS[kind]
    yield from (title, "", *_shared(base, "###", selector))
    for plugin in _own(kind):
        one = plugin.load()
        own = [key for key in keys_of(one.Settings) if key.owner not in SHARED and key.name != selector]
        also = [SHARED[found] for found in one.Settings.__mro__ if found in SHARED and found is not base]
        links = _enumerated(
            [f"[{name[0].lower() + name[1:]}](#{name.lower().replace(' ', '-')})" for name in also]
        )
        said = _said(one)
        yield from (
            f"### `{selector}: {plugin.name}`",
            "",
            said + (f". Also the keys of {links}." if links else "."),
            "",
        )
        yield from (*_table(own), *_blocks(own, f"{plugin.name}: "))


def _enumerated(parts: list[str]) -> str:
    """Return parts as in a sentence: ``a, b and c``."""
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def _own(kind: str) -> list[registry.Plugin]:
    """Return what evalkit brings itself, whatever is installed or was registered beside it."""
    return [one for one in registry.plugins(kind) if one.owner == registry.DISTRIBUTION]


def _said(plugin: type) -> str:
    """Return the first line of a docstring, as Markdown."""
    return (plugin.__doc__ or "").strip().partition("\n")[0].rstrip(".").replace("``", "`")


def _blocks(keys: Sequence[Key], path: str) -> Iterator[str]:
    """Give the keys of the blocks that stand among some, and of those in them."""
    for key in keys:
        if key.block:
            inner = keys_of(key.block)
            yield from (f"#### `{path}{key.name}`", "", *_table(inner))
            yield from _blocks(inner, f"{path}{key.name}.")


def _table(keys: Sequence[Key]) -> list[str]:
    """Return a table; neighbours of which the same is said share a row."""
    if not keys:
        return []
    rows = [
        [", ".join(dict.fromkeys(texts)) for texts in zip(*(_cells(key) for key in group), strict=True)]
        for _, group in groupby(keys, lambda key: (key.meaning, bool(key.default)))
    ]
    return [*_markdown(("key", "takes", "default", "meaning"), rows), ""]


def _cells(key: Key) -> tuple[str, str, str, str]:
    default = key.default if key.default in {"", "required"} else f"`{key.default}`"
    return f"`{key.name}`", key.form, default, key.meaning


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines]


def _dialects() -> list[str]:
    """Return every dialect with its public address and limits."""
    rows = []
    for plugin in _own("dialect"):
        one = plugin.load()
        rows.append(
            [
                f"`{plugin.name}`",
                _said(one),
                f"{one.home or ''}{one.path}",
                "" if one.max_documents is None else str(one.max_documents),
            ]
        )
    return [*_markdown(("dialect", "what", "address", "most documents"), rows), ""]


def command_reference() -> str:
    """Return the usage, help, arguments and flags of every command."""
    with click.Context(cli, info_name="evalkit", **cli.context_settings) as top:
        rows = list(_overview(cli, top))
        lines = [COMMANDS, *_markdown(("command", "what it does"), rows), "", EXIT_CODES]
        for name in cli.list_commands(top):
            command = cli.get_command(top, name)
            assert command
            lines += _command(command, top, name)
    return "\n".join(lines).rstrip() + "\n"


def _overview(command: click.Command, context: click.Context) -> Iterator[list[str]]:
    """Give a row for each command that is no group: a link to its section, and the first line of its help."""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below
            yield from _overview(below, click.Context(below, info_name=name, parent=context))
    else:
        heading = re.sub(r"[^\w\- ]", "", _usage(command, context).lower()).replace(" ", "-")
        yield [f"[`{context.command_path}`](#{heading})", _paragraphs(command.help or "").partition("\n")[0]]


def _usage(command: click.Command, context: click.Context) -> str:
    """Return the first line of the usage, which is the heading of the command's section."""
    return " ".join([context.command_path, *command.collect_usage_pieces(context)])


def _command(command: click.Command, above: click.Context, name: str) -> Iterator[str]:
    """Give one command, and those below it."""
    with click.Context(command, info_name=name, parent=above) as context:
        heading = "##" if above.parent is None else "###"
        yield from (f"{heading} `{_usage(command, context)}`", "", _paragraphs(command.help or ""), "")
        rows = [
            [f"`{record[0].replace(', ', '`, `')}`", record[1]]
            for parameter in command.params
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context))
        ]
        if rows:
            yield from (*_markdown(("flag", "meaning"), rows), "")
        if isinstance(command, click.Group):
            for below in command.list_commands(context):
                found = command.get_command(context, below)
                assert found
                yield from _command(found, context, below)


def _paragraphs(text: str) -> str:
    """Return help as paragraphs of one line each."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.replace("\b", "").split("\n\n"))
