"""What is printed: no value controls a terminal or a CI, and an output that fails is told or dropped."""

from __future__ import annotations

import errno
import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.cli.output import Styled, echo, echo_commands, echo_json, echo_text, guarded_outputs
from evalkit.errors import StorageError


@given(text=st.text(max_size=30))
def test_a_line_is_one_printable_line(text: str) -> None:
    """Whatever is in it: control characters, line breaks, halves of surrogate pairs, commands of a CI."""
    with pytest.MonkeyPatch.context() as patch:
        out = io.StringIO()
        patch.setattr(sys, "stdout", out)
        echo(text, Styled(text, {"bold": True}))
        echo_text(f"{text}\n::{text}")
    lines = out.getvalue().removesuffix("\n").split("\n")
    assert not any(line.lstrip().startswith("::") for line in lines)
    assert not any(ord(one) < 32 or 0x7F <= ord(one) < 0xA0 for line in lines for one in line)


@pytest.mark.parametrize("kept", ["поиск", "検索", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩‍💻", "e\u0301", "عربي", "nDCG@10 ≥ 0.5"])
def test_letters_of_all_languages_stay(kept: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Only what is not printable is escaped."""
    echo(kept)
    assert capsys.readouterr().out == f"{kept}\n"


def test_json_means_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """It holds no control character and no command of a CI, and reads back equal."""
    value = {"a": "\x1b\x9b\u202e##vso[x]\u2028", "b": "::x"}
    echo_json(json.dumps(value, ensure_ascii=False).encode())
    printed = capsys.readouterr().out
    assert printed.isprintable()
    assert "##" not in printed
    assert json.loads(printed) == value


def test_a_command_for_github_holds_none_for_azure(capsys: pytest.CaptureFixture[str]) -> None:
    """The gate's own annotations are printed as they are otherwise."""
    echo_commands(["::error title=a::b %0A ##vso[c]"])
    assert capsys.readouterr().out == "::error title=a::b %0A #\\x23vso[c]\n"


class _Failing(io.StringIO):
    """A stream that cannot be written to."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, _: str) -> int:
        raise OSError(self.number, "No space")


def test_what_cannot_be_printed_is_an_error_on_stdout_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not even there if its reader has gone; a failure that another package swallows is not forgotten."""
    for number, raised in ((errno.EPIPE, False), (errno.ENOSPC, True)):
        monkeypatch.setattr(sys, "stdout", _Failing(number))
        monkeypatch.setattr(sys, "stderr", _Failing(number))
        with guarded_outputs():
            echo("lost", err=True)
            for _ in range(2):
                if raised:
                    with pytest.raises(StorageError, match="cannot write the output: No space"):
                        echo("lost")
                else:
                    echo("lost")
