"""The expressions of GitHub workflows: `${{ inputs.config }}`, conditions, and text that contains them.

Only what evalkit's workflow and action use; everything else is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

Value = str | bool
Contexts = Mapping[str, Mapping[str, Value]]
"""Name of a context -> path below it -> value: ``{"steps": {"run.outcome": "success"}}``."""

_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|&&|\|\||[!=]=|[!()]|[A-Za-z_][\w.-]*)")
_STATUS = re.compile(r"\b(?:always|cancelled|failure|success)\(\)")
_OPTIONAL = re.compile(r"steps\.[\w-]+\.outputs\.[\w-]+|secrets\.\w+")
"""What is empty, without an error, where it does not exist."""


def fill_in(text: str, contexts: Contexts) -> str:
    """Return a text with the values of its expressions."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: _as_text(_evaluate(found[1], contexts)), text)


def is_met(condition: str | None, contexts: Contexts, *, failed: bool) -> bool:
    """Return whether a step with this condition runs; without a status function, only if no step failed."""
    bare = (condition or "success()").strip().removeprefix("${{").removesuffix("}}")
    if not _STATUS.search(bare):
        bare = f"success() && ({bare})"
    return bool(_evaluate(bare, contexts, failed=failed))


def _as_text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else value


def _evaluate(text: str, contexts: Contexts, *, failed: bool = False) -> Value:
    tokens, at = [], 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        assert found, f"not understood: {text[at:]!r}"
        tokens.append(found[1])
        at = found.end()
    reader = _Reader(tokens, contexts, failed)
    value = reader.any_of()
    assert not reader.tokens, f"not understood: {reader.tokens}"
    return value


@dataclass
class _Reader:
    """Reads an expression from left to right; each method reads what binds closer than that of the one before."""

    tokens: list[str]
    contexts: Contexts
    failed: bool
    functions: dict[str, bool] = field(init=False)

    def __post_init__(self) -> None:
        self.functions = {
            "always": True,
            "cancelled": False,
            "failure": self.failed,
            "success": not self.failed,
        }

    def next_is(self, token: str) -> bool:
        """Take a token if it comes next."""
        if self.tokens[:1] != [token]:
            return False
        del self.tokens[0]
        return True

    def any_of(self) -> Value:
        """Read ``a || b``."""
        value = self.all_of()
        while self.next_is("||"):
            other = self.all_of()
            value = value or other
        return value

    def all_of(self) -> Value:
        """Read ``a && b``."""
        value = self.comparison()
        while self.next_is("&&"):
            other = self.comparison()
            value = value and other
        return value

    def comparison(self) -> Value:
        """Read ``a == b``."""
        value = self.single()
        for operator in ("==", "!="):
            if self.next_is(operator):
                return (_as_text(value).lower() == _as_text(self.single()).lower()) == (operator == "==")
        return value

    def single(self) -> Value:
        """Read a negation, parentheses, a text, a function or a value of a context."""
        if self.next_is("!"):
            return not self.single()
        if self.next_is("("):
            value = self.any_of()
            assert self.next_is(")")
            return value
        token = self.tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self.next_is("("):
            assert self.next_is(")")
            return self.functions[token]
        name, _, path = token.partition(".")
        if _OPTIONAL.fullmatch(token):
            return self.contexts[name].get(path, "")
        return self.contexts[name][path]
