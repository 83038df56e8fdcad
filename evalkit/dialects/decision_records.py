"""Questions to a decision model, and its answers as probabilities, whatever the wire contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.records import Usage

Content = Mapping[str, "str | Mapping[str, str]"]
"""What the questions are about: field -> text, or field -> several texts by their keys."""
QUERY, DOCUMENT, DOCUMENTS, INSTRUCTION = "query", "document", "documents", "instruction"
"""Fields of the content: the query, the document or all documents by their keys, and the instruction of the query."""
_INSTRUCTED = f" Which documents are relevant, `{INSTRUCTION}` says."


@dataclass(frozen=True, slots=True)
class Predicate:
    """A yes/no question.

    Attributes
    ----------
    name
        Its name, unique in a request.
    instructions
        The statement or question about the content.
    true, false
        What counts as yes, and as no; empty for no description.
    """

    name: str
    instructions: str
    true: str = ""
    false: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """A question for a level of an ordered scale.

    Attributes
    ----------
    name
        Its name, unique in a request.
    instructions
        What to rate.
    levels
        What each level means, from level 0.
    """

    name: str
    instructions: str
    levels: tuple[str, ...]


Question = Predicate | Scale


@dataclass(frozen=True, slots=True)
class RelevanceWording:
    """How the question is worded whether a document is relevant to the query. The server reads what the client writes.

    Attributes
    ----------
    before, after
        The question before and after the place where it names the document.
    true, false
        What counts as yes, and as no; empty for no description.
    """

    before: str
    after: str
    true: str = ""
    false: str = ""

    def ask(self, name: str, place: str, *, instructed: bool) -> Predicate:
        """Return the yes/no question.

        Parameters
        ----------
        name
            Its name.
        place
            The field of the document, such as ``documents.D00``.
        instructed
            Whether the query has an instruction.
        """
        return Predicate(name, self._instructions(place, instructed), self.true, self.false)

    def rate(self, name: str, place: str, *, instructed: bool) -> Scale:
        """Return the question for one of two levels, no and yes; parameters as for `ask`."""
        return Scale(name, self._instructions(place, instructed), (self.false, self.true))

    def _instructions(self, place: str, instructed: bool) -> str:
        return f"{self.before}{place}{self.after}{_INSTRUCTED if instructed else ''}"


OUR_WORDING = RelevanceWording(
    before="The text in `",
    after="` contains what someone needs who searches for the text in `query`.",
    true="The text answers the query or a part of it, or contains facts that lead to the answer.",
    false="The text has another subject, or has the subject of the query and does not help to answer it.",
)
"""The default wording of the backend `decisions`, which the service always reads."""


@dataclass(frozen=True, slots=True)
class DecisionAnswer:
    """The answer to one question, or why there is none.

    Attributes
    ----------
    value
        Probability of yes, or the expected level; None without an answer.
    probabilities
        Of the levels; empty for a yes/no question.
    refused
        Whether the model declined to answer.
    fault
        Why the answer cannot be used; empty with an answer.
    sent
        The answer as the API sent it; None if it sent none.
    """

    value: float | None
    probabilities: tuple[float, ...] = ()
    refused: bool = False
    fault: str = ""
    sent: Any = None


@dataclass(frozen=True, slots=True)
class DecisionReply:
    """A parsed reply.

    Attributes
    ----------
    answers
        One for each question, in the order of the questions.
    model
        The model that answered, which may be a build of the requested one; None if the reply names none.
    usage
        Tokens. Where the API reports the tokens read alone, `tokens` are those, and `output_tokens` is None.
    unusable
        What is at the place of an amount but is none: field -> value.
    """

    answers: tuple[DecisionAnswer, ...]
    model: str | None
    usage: Usage
    unusable: Mapping[str, str]
