"""Texts that users read contain no word of everyday speech where the field has a term.

Run this file as a script to print how often each avoided word occurs; with files, also where it occurs in them:
``python tests/architecture/test_plain_words.py [FILE...]``.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest

from evalkit.cli.main import cli

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "evalkit"
AVOIDED = {
    "told": r"told",
    "stands": r"stands?|stood|standing",
    "beside": r"besides?",
    "whoever": r"whoever|whomever|whosoever",
    "whatever": r"whatever|whatsoever",
    "nobody": r"nobody",
    "mend": r"mend(?:s|ed|ing)?",
    "aside": r"aside",
    "lest": r"lest",
    "thereof": r"there(?:of|in|upon|to|at)",
    "knock": r"knock(?:s|ed|ing)?",
    "errand": r"errands?",
    "arena": r"arenas?",
    "crew": r"crews?",
    "courier": r"couriers?",
    "shelf": r"shelf|shelves",
    "twins": r"twins?",
    "hands": r"hands",
    "doors": r"doors?",
    "take up": r"(?:take|takes|taken|took|taking)(?: (?:it|them|this|that))? up",
    "leave off": r"(?:leave|leaves|left|leaving) off",
    "left alone": r"(?:leave|leaves|left|leaving)(?: \w+)? alone",
    "held against": r"(?:hold|holds|held|holding)(?: \w+)? against",
    "anew": r"anew",
    "alike": r"alike",
    "how-manieth": r"how-manieth",
    "a thousand": r"a thousand",
    "beyond doubt": r"beyond doubt",
    "what it costs": r"what (?:it|that|this) costs",
    "say nothing": r"(?:say|says|said|saying) nothing",
    "look after": r"look(?:s|ed|ing)? after",
    "good to know": r"good to know",
    "thus": r"thus",
    "hence": r"hence",
    "yet": r"(?<!not )yet",
}
"""Example -> expression."""

ALLOWED = {
    "not told apart": "a verdict in comparisons.json, which programs read",
    "Each document stands on one line": "the prompt of a listwise model: other words give other scores",
    "the device that stands in the hall": "a text that is embedded to check an exported model",
}
"""Part of a text -> why its words stay."""

NOT_CLEAN: tuple[str, ...] = ()
"""Files that still contain avoided words."""

LISTED = {"datasets", "dialects", "rerankers", "retrievers"}
"""Packages of plugins, of which `evalkit plugin list` prints the first line of the class docstring."""

SUFFIXES = {".py", ".html", ".js", ".md", ".yaml", ".yml"}
NO_PROSE = {
    ".html": r"(?s)\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<style.*?</style>|<[^>]*>",
    ".md": r"(?ms)^ *```.*?^ *```|\{%.*?%\}|\{\{.*?\}\}|\]\([^)]*\)|https?://\S+",
    ".yaml": r"https?://\S+",
    ".yml": r"https?://\S+",
}
"""Suffix -> what of such a file is code."""

Text = tuple[int, str]


def texts_of_module(source: str, *, listed: bool) -> Iterator[Text]:
    """Yield line and text of what a module can print: literals, and docstrings of commands and Settings.

    If its classes are `listed`, also the first lines of their docstrings.
    """
    tree = ast.parse(source)
    docstrings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    parts = [part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values]
    seen = {id(node) for node in (*docstrings, *parts)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in seen:
            yield node.lineno, node.value
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node) or ""
            if is_printed(node):
                yield node.lineno, text
            elif listed and isinstance(node, ast.ClassDef):
                yield node.lineno, text.partition("\n")[0]


def is_printed(node: ast.ClassDef | ast.FunctionDef) -> bool:
    """Return whether a docstring is printed: of a command, or of a class of settings."""
    if isinstance(node, ast.FunctionDef):
        return any(re.search(r"\b(?:command|group)\(", ast.unparse(one)) for one in node.decorator_list)
    return any(ast.unparse(base).endswith(("Settings", "Model")) for base in node.bases)


def texts_of_script(source: str) -> Iterator[Text]:
    """Yield line and text of the strings of a JavaScript file."""
    for number, line in enumerate(re.sub(r"(?m)//.*$", "", source).splitlines(), 1):
        for found in re.finditer(r'"[^"]*"|`[^`]*`', line):
            yield number, found[0][1:-1]


def texts_of_file(path: Path) -> Iterator[Text]:
    """Yield line and text of everything in a file that a user can read."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from texts_of_module(source, listed=path.relative_to(ROOT).parts[1] in LISTED)
    elif path.suffix == ".js":
        yield from texts_of_script(source)
    else:
        prose = re.sub(NO_PROSE[path.suffix], lambda found: "\n" * found[0].count("\n") + " ", source)
        yield from enumerate(prose.splitlines(), 1)


def texts_of_help(command: click.Command, name: str) -> Iterator[Text]:
    """Yield the help text of a command and of its subcommands; the line is always 0."""
    # The settings of the program: a command keeps the help option of the first context that it meets.
    context = click.Context(command, info_name=name, **cli.context_settings)
    yield 0, command.get_help(context)
    if isinstance(command, click.Group):
        for part in command.list_commands(context):
            found = command.get_command(context, part)
            assert found is not None
            yield from texts_of_help(found, part)


def occurrences(texts: Iterable[Text]) -> Iterator[tuple[int, str, str]]:
    """Yield line, avoided word and text wherever one occurs in a text of several words, outside of backticks."""
    for line, text in texts:
        prose = re.sub(r"``.*?``|`[^`]*`", "`", text)
        if " " not in prose.strip() or any(part in text for part in ALLOWED):
            continue
        for name, pattern in AVOIDED.items():
            for _ in re.finditer(rf"(?<![\w.\-/])(?:{pattern})(?![\w/])", prose, flags=re.IGNORECASE):
                yield line, name, text


def read_by_users() -> list[Path]:
    """Return the files with text for users."""
    folders = [*PACKAGE.rglob("*"), *(ROOT / "configs").rglob("*"), *(ROOT / "results").glob("*.md")]
    return [
        ROOT / "README.md",
        *sorted(path for path in folders if path.suffix in SUFFIXES and path.is_file()),
    ]


def name_of(path: Path) -> str:
    """Return the path of a file from the root, with slashes."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", read_by_users(), ids=name_of)
def test_a_text_for_users_has_plain_words(path: Path) -> None:
    """No message, help text, setting or page contains an avoided word; files listed as not clean do."""
    found = [
        f"{name_of(path)}:{line}: {name}: {text}" for line, name, text in occurrences(texts_of_file(path))
    ]
    if name_of(path) in NOT_CLEAN:
        assert found, f"{name_of(path)} is clean now: remove it from NOT_CLEAN"
    else:
        assert found == []


def test_the_help_has_plain_words() -> None:
    """No command's help, as click prints it, contains an avoided word."""
    assert list(occurrences(texts_of_help(cli, "evalkit"))) == []


def test_each_kind_of_text_is_read() -> None:
    """Literals, parts of f-strings, commands and settings are read; comments, keys and code are not."""
    module = """
'''It stands here.'''
KEY = {"told": 1}  # whoever reads
NOTE = f"told {KEY}" " lest it stands"
def helper():
    '''Nobody reads it.'''
@click.command()
def command():
    '''Mend it.'''
class Mine:
    '''Knock at it.

    It stands alone.
    '''
    class Settings(RerankerSettings):
        '''Settings.

        Attributes
        ----------
        key
            Set anew.
        '''
"""
    found = [name for _, name, _ in occurrences(texts_of_module(module, listed=True))]
    assert sorted(found) == ["anew", "knock", "lest", "mend", "stands", "told"]
    assert "knock" not in [name for _, name, _ in occurrences(texts_of_module(module, listed=False))]


def test_every_word_can_be_found() -> None:
    """Each expression finds its example in a sentence, in lower and upper case, and not in a name."""
    for name in AVOIDED:
        assert name in {found for _, found, _ in occurrences([(1, f"It is {name}."), (2, f"{name} it")])}
        assert list(occurrences([(1, f"the key `{name}` of x_{name.replace(' ', '_')}")])) == []


def print_counts(files: Iterable[Path]) -> None:
    """Print the number of each avoided word in code, in the report and in documents, and where it is in files."""
    counts: dict[str, Counter[str]] = {"code": Counter(), "report": Counter(), "documents": Counter()}
    for path in read_by_users():
        parts = path.relative_to(ROOT).parts
        is_code = parts[0] == "evalkit" and path.suffix != ".md"
        place = "report" if parts[:2] == ("evalkit", "report") else "code" if is_code else "documents"
        counts[place].update(name for _, name, _ in occurrences(texts_of_file(path)))
    lines = [f"{'word':<16}" + "".join(f"{place:>11}" for place in counts)]
    lines += [f"{name:<16}" + "".join(f"{one[name]:>11}" for one in counts.values()) for name in AVOIDED]
    lines += [f"{'all':<16}" + "".join(f"{one.total():>11}" for one in counts.values())]
    lines += [
        f"{path}:{line}: {name}: {' '.join(text.split())}"
        for path in files
        for line, name, text in occurrences(texts_of_file(path.resolve()))
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    print_counts(map(Path, sys.argv[1:]))
