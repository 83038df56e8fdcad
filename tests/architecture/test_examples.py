"""The examples of the pages for users are valid: commands, configurations, rules and datasets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from support.command import ROOT, evalkit
from support.pages import USER_PAGES, blocks, prose

from evalkit.cli.main import cli
from evalkit.config import load_gate, load_keys
from evalkit.config.source import read_source
from evalkit.datasets.loading import dataset_settings
from evalkit.formats import judgment_of_line

CREDENTIALS = {
    "ASSISTERS_API_KEY": "unused",
    "AZURE_KEY": "unused",
    "CF_TOKEN": "unused",
    "AWS_ACCESS_KEY_ID": "unused",
    "AWS_SECRET_ACCESS_KEY": "unused",
    "OPENAI_API_KEY": "unused",
}
"""Values of the variables that the pages name."""
IDS = [str(page.relative_to(ROOT)) for page in USER_PAGES]


def commands(page: Path) -> Iterator[str]:
    """Give every `evalkit` command of a page's blocks, and the commands that its samples name."""
    for block in blocks(page, "console"):
        yield from re.findall(r"(?m)^\$ evalkit (.*?)(?:  +#.*)?$", block)
    yield from re.findall(r"<!-- output: evalkit (.+) -->", page.read_text(encoding="utf-8"))


def mentions(page: Path) -> Iterator[str]:
    """Give every `evalkit` command in a page's sentences; its arguments may be left out there."""
    yield from re.findall(r"`evalkit ([a-z][^`\n]*)`", prose(page))


def parse(line: str, *, whole: bool) -> None:
    """Parse a command line without running it or reading a file.

    Raises
    ------
    click.UsageError
        If a command or a flag does not exist, or there are too many or (`whole`) too few arguments.
    """
    words = shlex.split(line.partition(" > ")[0])
    command: click.Command = cli
    context = click.Context(cli, info_name="evalkit", **cli.context_settings)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        below = command.get_command(context, words[0])
        if below is None:
            raise click.UsageError(f"no command {words[0]!r}", context)
        command, words = below, words[1:]
        context = click.Context(command, info_name=command.name, parent=context)
    values, rest, _ = command.make_parser(context).parse_args(list(words))
    if rest and not isinstance(command, click.Group):
        raise click.UsageError(f"too many arguments: {rest}", context)
    if not whole:
        return
    for parameter in command.params:
        value = values.get(parameter.name or "")
        if parameter.required and (not value or not isinstance(value, str | tuple | list)):
            raise click.UsageError(f"no {parameter.name}", context)


@pytest.mark.parametrize("page", USER_PAGES, ids=IDS)
def test_commands_are_valid(page: Path) -> None:
    """Every command of a page exists, with its flags and arguments."""
    for line in commands(page):
        parse(line, whole=True)
    for line in mentions(page):
        parse(line, whole=False)


@pytest.mark.parametrize(
    "line", ["rnu a.yaml", "run", "run a.yaml --plna", "run a.yaml b.yaml", "gate results"]
)
def test_a_wrong_command_is_found(line: str) -> None:
    """Unknown commands and flags, and a wrong number of arguments, are errors."""
    with pytest.raises(click.UsageError):
        parse(line, whole=True)


def test_the_pages_show_every_command() -> None:
    """There is an example of every command."""
    shown = {line.split()[0] for page in USER_PAGES for line in [*commands(page), *mentions(page)]}
    assert shown >= set(cli.list_commands(click.Context(cli, **cli.context_settings)))


@pytest.mark.parametrize("group", ["judge", "queries"])
def test_the_pages_show_every_command_of_a_group(group: str) -> None:
    """There is an example of every command on judgments and on queries."""
    lines = [line.split() for page in USER_PAGES for line in commands(page)]
    shown = {line[1] for line in lines if line[0] == group}
    below = cli.get_command(click.Context(cli, **cli.context_settings), group)
    assert isinstance(below, click.Group)
    assert shown == set(below.list_commands(click.Context(below)))


def test_the_shown_judgment_is_read() -> None:
    """A file of judgments may have the line that the page shows."""
    (line,) = blocks(ROOT / "configs" / "judging.md", "json")
    judgment = judgment_of_line(line.encode(), "judging.md")
    assert (judgment.grade, judgment.rater.kind) == (2, "human")


def check_inputs(steps: list[dict[str, Any]]) -> None:
    """Check that our action has every input that steps of a workflow give it."""
    for step in steps:
        folder = ROOT / step["uses"].partition("@")[0].removeprefix("OWNER/REPO/")
        action = read_source((folder / "action.yml").read_text(encoding="utf-8"), "action.yml")
        assert set(step["with"]) <= set(action.data["inputs"])


@pytest.mark.parametrize("page", USER_PAGES, ids=IDS)
def test_yaml_is_valid(page: Path, tmp_path: Path) -> None:
    """Configurations, rules of a gate and files of keys pass their checks; an action has the inputs of its steps."""
    (tmp_path / "ratings.csv").write_text("search,passage,rating\nq,d,fair\n", encoding="utf-8")
    (tmp_path / "minilm").mkdir()
    for name in (
        "es.trec",
        "vespa.trec",
        "vespa.csv",
        "docs.csv",
        "case_basic.csv",
        "judgments.json",
        "products.csv",
        "searches.csv",
        "queries.csv",
    ):
        (tmp_path / name).touch()
    for name in ("articles", "documents"):
        (tmp_path / name).mkdir()
    for block in blocks(page, "yaml"):
        file = tmp_path / "block.yaml"
        file.write_text(block, encoding="utf-8")
        assert not read_source(block, str(file)).problems
        if "uses:" in block:
            check_inputs(read_source(block, str(file)).data)
        elif "datasets:" in block:
            done = evalkit("config", "check", file, cwd=tmp_path, env=CREDENTIALS)
            assert done.returncode == 0, done.stderr
        elif ("rerankers:" in block and "plugins:" not in block) or "judges:" in block:
            rerankers = "" if "rerankers:" in block else "rerankers: {lexical: {backend: lexical}}\n"
            file.write_text(f"name: page\ndatasets: [demo]\n{rerankers}{block}", encoding="utf-8")
            done = evalkit("config", "check", file, cwd=tmp_path, env=CREDENTIALS)
            assert done.returncode == 0, done.stderr
        elif "rules:" in block:
            assert load_gate(file).rules
        elif "keys:" in block:
            assert load_keys(file).keys


def test_the_blocks_of_datasets_are_valid() -> None:
    """Each block in the table of formats is a dataset."""
    page = (ROOT / "configs" / "your-data.md").read_text(encoding="utf-8")
    found = re.findall(r"`(\{source: .*?\})`(?: \||$)", page, flags=re.MULTILINE)
    assert len(found) > 4
    for block in found:
        read = read_source(block, "block")
        assert not read.problems
        assert dataset_settings(read.data)


def test_the_examples_of_other_tools_are_read(tmp_path: Path) -> None:
    """The judgments that the page shows, with the configurations that it shows for them."""
    page = ROOT / "configs" / "your-data.md"
    (basic,), (judgments,) = blocks(page, "csv"), blocks(page, "json")
    (tmp_path / "docs.csv").write_text("id,text\nd1,a film\nd2,a series\n", encoding="utf-8")
    (tmp_path / "case_basic.csv").write_text(basic, encoding="utf-8")
    (tmp_path / "judgments.json").write_text(judgments, encoding="utf-8")
    shown = [block for block in blocks(page, "yaml") if "docs.csv" in block]
    for block, counts in zip(shown, ("2 judgments of 2 queries", "2 judgments of 1 queries"), strict=True):
        name = block.split()[1]
        (tmp_path / f"{name}.yaml").write_text(block, encoding="utf-8")
        done = evalkit("dataset", "export", f"{name}.yaml", f"{name}.csv", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert counts in done.stdout
