"""What all prompts about one document have: the texts in blocks that no text can close."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import count

from evalkit.records import text_sha256

PAIR_BLOCKS = """\
BEGIN QUERY {fence}
{query}
END QUERY {fence}
{requirements}
BEGIN DOCUMENT {fence}
{document}
END DOCUMENT {fence}
"""
"""The part of a template that holds the texts of a pair."""
REQUIREMENTS = """
The person who asked the query also wrote what a good document must have:
BEGIN REQUIREMENTS {fence}
{requirements}
END REQUIREMENTS {fence}
"""
_FENCE_DIGITS = 16


class PairPrompt(ABC):
    """A prompt about one document for one query; the same pair always has the same text."""

    __slots__ = ()

    @property
    @abstractmethod
    def _template(self) -> str:
        """`PAIR_BLOCKS` with the question around them."""

    @property
    @abstractmethod
    def _wording(self) -> Mapping[str, str]:
        """The other fields of the template, which are the same for all pairs: name -> text."""

    def text(self, query: str, document: str, requirements: str = "") -> str:
        """Return the prompt for one pair.

        Parameters
        ----------
        query, document
            The texts; they may be empty.
        requirements
            The instruction of the query; empty for none.
        """
        fence = fence_of(query, requirements, document)
        wanted = REQUIREMENTS.format(fence=fence, requirements=requirements) if requirements.strip() else ""
        return self._template.format(
            fence=fence, query=query, requirements=wanted, document=document, **self._wording
        )


def fence_of(query: str, requirements: str, document: str) -> str:
    """Return a code that marks the ends of texts: none of them contains it.

    It is computed from the query, so that prompts for its documents begin alike and a model reads that once; a document
    that contains the code gets another one.

    >>> fence_of("a query", "", "a document") == fence_of("a query", "", "another document")
    True
    """
    texts = (query.lower(), requirements.lower(), document.lower())
    asked = text_sha256(query) + text_sha256(requirements)
    codes = (hashlib.sha256(f"{attempt} {asked}".encode()).hexdigest() for attempt in count())
    fences = (code[:_FENCE_DIGITS] for code in codes)
    return next(fence for fence in fences if not any(fence in text for text in texts))
