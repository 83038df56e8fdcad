"""Probabilities of the first token of an answer, from the ``logprobs`` of a chat API."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from evalkit.dialects.shape import dig
from evalkit.errors import CallError
from evalkit.records.amounts import shown_amount

L = TypeVar("L", bound=Hashable)
LEAST_MASS = 0.5
"""Probability that the answers which were asked for must have together; else the model mostly says something else."""
_ROUNDING = 1e-3
"""How far a log-probability may be above 0: servers round them."""
_TOLERANCE = 0.05
"""How far the sum of rounded probabilities may be above 1."""
_BLANK = " \t\r\n\u2581\u0120\u010a"
"""White space, and the marks that stand for it in raw tokens."""
_AROUND = f"{_BLANK}\"'`*_.,:;!()[]"
"""What tokenizers and models put around a word."""
_SHOWN = 5
NO_LOGPROBS = "use a model and a server that return top_logprobs, or a form that needs none, such as setwise"


def first_token(logprobs: Any) -> dict[str, float]:
    """Return the most probable first tokens of an answer with their probabilities; white space before it is skipped.

    OpenAI, vLLM, SGLang, llama.cpp and Ollama report them alike: ``content`` has an entry for each token that was
    written, whose ``top_logprobs`` are the most probable tokens at its place. The token that was written may be missing
    among them.

    Parameters
    ----------
    logprobs
        ``choices[0].logprobs`` of a reply.

    Raises
    ------
    CallError
        Kind ``reply``, if there are none, if only the token that was written has one, if one is no number, or if the
        sum of the probabilities is above 1.
    """
    content = dig(logprobs, "content")
    entries = content if isinstance(content, list) else []
    written = next((entry for entry in entries if _token(entry).strip(_BLANK)), None)
    if written is None:
        raise CallError("reply", "the reply contains no log-probabilities of an answer", NO_LOGPROBS)
    listed = dig(written, "top_logprobs")
    tops = listed if isinstance(listed, list) else []
    if len(tops) < 2:
        raise CallError(
            "reply", "the reply contains the log-probability of the written token only", NO_LOGPROBS
        )
    found: dict[str, float] = {}
    for entry in tops:
        found[_token(entry)] = found.get(_token(entry), 0.0) + _probability(entry)
    found.setdefault(_token(written), _probability(written))
    total = math.fsum(found.values())
    if total > 1 + _TOLERANCE:
        raise CallError("reply", f"the probabilities of the first tokens have the sum {total:.4g}")
    return found


def answer_shares(
    tokens: Mapping[str, float], answers: Iterable[L], meant: Callable[[str], L | None]
) -> dict[L, float]:
    """Return the probabilities of those answers that are among the most probable tokens.

    An answer that is not among them is less probable than all of them.

    Parameters
    ----------
    tokens
        Token -> probability.
    answers
        What was asked for.
    meant
        Returns the answer that a token means, without spaces and punctuation around it; None if it means none.

    Raises
    ------
    CallError
        Kind ``reply``, if these answers have less than half of the probability together.
    """
    wanted = set(answers)
    found: dict[L, float] = {}
    for token, share in tokens.items():
        answer = meant(token.strip(_AROUND))
        if answer is not None and answer in wanted:
            found[answer] = found.get(answer, 0.0) + share
    mass = math.fsum(found.values())
    if mass < LEAST_MASS:
        likely = sorted(tokens, key=lambda token: -tokens[token])[:_SHOWN]
        shown = ", ".join(f"{token!r} {tokens[token]:.2g}" for token in likely)
        raise CallError(
            "reply",
            f"the first token is one of the answers with probability {mass:.2g} only; the most probable are {shown}",
            "use a model that answers without reasoning: switch its reasoning off in options",
        )
    return found


def _token(entry: Any) -> str:
    token = dig(entry, "token")
    return token if isinstance(token, str) else ""


def _probability(entry: Any) -> float:
    """Return the probability of an entry; a missing logarithm is that of 0, which JSON cannot write."""
    found = dig(entry, "logprob")
    if found is None:
        return 0.0
    if isinstance(found, bool) or not isinstance(found, int | float) or not found <= _ROUNDING:
        raise CallError("reply", f"the log-probability {shown_amount(found)} is none")
    return math.exp(min(found, 0.0))
