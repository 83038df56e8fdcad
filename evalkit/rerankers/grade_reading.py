"""Read the grade of an answer in words. An answer without exactly one grade is a failure, never a grade of 0."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from evalkit.errors import CallError, shortened

_LONGEST = 50_000
"""Characters of an answer above which it is not read: no grade needs them."""
_SHOWN = 200
"""Characters of an answer in a message above which its middle is left out."""
_BODY = 2000
"""Characters of an answer in the failure log above which its middle is left out."""
_TAG = "(?:think|thinking|reasoning)"
_THOUGHT = re.compile(rf"<({_TAG})>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_END_OF_THOUGHT = re.compile(rf"</{_TAG}>", re.IGNORECASE)
_OPENED = re.compile(r'\{\s*"')
_NUMBER = re.compile(r"(?<![\w.,])[-+\u2212]?[0-9]+(?:[.,][0-9]+)*(?:\s?%)?(?!\w)")
_WHOLE = re.compile(r"\+?[0-9]+(?:\.0+)?")
_FENCE = re.compile(r"```[a-z]*", re.IGNORECASE)
_MARKUP = re.compile(r"[*_`'\"()\[\]{}#]")
_LABEL = (
    r"(?:(?:the|my|final|overall|relevance|relevancy|document)\s){0,3}"
    r"(?:grade|score|rating|rate|relevance|relevancy|answer|label|level|output|result|judge?ment)"
)
_SEPARATOR = r"(?:\s?[:=]\s?|\s(?:is:?|of|[-\u2013\u2014])\s|\s)"
_NAMES_GRADE = rf"(?:{_LABEL}{_SEPARATOR})?([-+\u2212]?[0-9]+(?:[.,][0-9]+)*(?:\s?%)?)"
"""A grade with or without a name before it; nothing else of a sentence."""
_REFUSAL = re.compile(
    r"(?:\A\W*|\b(?:I|we)(?:(?:'| a)m|(?:'| a)re|\s+must)?\s+)"
    r"(?:can(?:no|')t|can not|won't|will not|unable to|not able to|not allowed to|decline to|refuse to)\s+(?:\w+\s+)?"
    r"(?:help|assist|comply|provide|grade|judge|evaluate|assess|rate|answer|fulfil|continue|do (?:that|this))",
    re.IGNORECASE,
)
"""What a model says of itself when it refuses; *the document cannot help* is no refusal."""
RAISE_LIMIT = "raise max_answer_tokens"


def read_grade(text: str, highest: int, *, cut: bool = False, reasoned: bool = False) -> int:
    """Return the grade that an answer names.

    That is the ``grade`` of its JSON object, with prose or a code fence around it. Without an object, the whole answer
    is a number, with or without a word such as *grade* before it; or its last line is, after prose, and no other line
    is. ``2/3`` and ``2 out of 3`` name the scale, where 3 is the highest grade. A number in a sentence is no grade.
    What a model writes between tags such as ``<think>`` is not read.

    Parameters
    ----------
    text
        The answer.
    highest
        The highest grade.
    cut
        Whether the answer was cut at the token limit. Then only a complete JSON object is read.
    reasoned
        Whether the model reasoned outside of the answer, which explains an empty one.

    Raises
    ------
    CallError
        Kind ``refusal``, if the model declines to grade; kind ``answer``, if the answer names no grade, several, or one
        that is not on the scale. The error's `body` is the answer.
    """
    said = _without_thoughts(text)
    if len(said) > _LONGEST:
        raise failure(f"the answer has {len(said)} characters", text)
    objects = list(_grades_of_objects(said))
    if objects:
        return _grade_of_object(objects, _without_objects(said), text, highest)
    if cut or (not said.strip() and (reasoned or text.strip())):
        raise failure("the answer was cut off before it named a grade", text, RAISE_LIMIT)
    if not said.strip():
        raise failure("the answer is empty", text)
    if _REFUSAL.search(said.replace("\u2019", "'")):
        raise CallError(
            "refusal", f"the model declined to grade: {_quoted(text)}", body=shortened(text, _BODY)
        )
    return _grade_in_words(said, text, highest)


def failure(what: str, text: str, hint: str | None = None) -> CallError:
    """Return the error of an answer without a grade, which quotes the answer."""
    shown = f": {_quoted(text)}" if text.strip() else ""
    return CallError("answer", f"{what}{shown}", hint, body=shortened(text, _BODY))


def _quoted(text: str) -> str:
    return repr(shortened(" ".join(text.split()), _SHOWN))


def _without_thoughts(text: str) -> str:
    """Return an answer without the model's reasoning, whose first tag some servers leave out."""
    said = _THOUGHT.sub(" ", text)
    return _END_OF_THOUGHT.split(said)[-1]


def _objects(text: str) -> Iterator[tuple[int, int, list[Any]]]:
    """Yield begin and end of each JSON object with the key ``grade``, and all its values of that key."""
    decoder, last = json.JSONDecoder(object_pairs_hook=lambda found: found), 0
    for opened in _OPENED.finditer(text):
        if opened.start() < last:  # inside of an object that was read
            continue
        try:
            pairs, end = decoder.raw_decode(text, opened.start())
        except ValueError:
            continue
        except RecursionError:  # nested a thousand times
            return
        grades = [value for key, value in pairs if key.lower() == "grade"]
        if grades:
            last = end
            yield opened.start(), end, grades


def _grades_of_objects(text: str) -> Iterator[Any]:
    for _, _, grades in _objects(text):
        yield from grades


def _without_objects(text: str) -> str:
    kept, start = [], 0
    for begin, end, _ in _objects(text):
        kept.append(text[start:begin])
        start = end
    return " ".join([*kept, text[start:]])


def _grade_of_object(values: list[Any], prose: str, text: str, highest: int) -> int:
    """Return the grade of JSON objects; the prose around them may not name another grade of the scale."""
    read = {_on_scale(value, text, highest) for value in values}
    named = [number for number in _numbers(prose, highest) if _WHOLE.fullmatch(number)]
    around = {int(float(number)) for number in named if float(number) <= highest}
    if len(read | around) > 1:
        shown = ", ".join(map(str, sorted(read | around)))
        raise failure(f"the answer names several grades ({shown})", text)
    return read.pop()


def _on_scale(value: Any, text: str, highest: int) -> int:
    """Return a value of JSON as a grade: a number, or a text that is one."""
    shown = value.strip() if isinstance(value, str) else json.dumps(value)
    if not _WHOLE.fullmatch(shown) or float(shown) > highest:
        raise failure(f"the grade {shown[:20]} is not on the scale 0 to {highest}", text)
    return int(float(shown))


def _grade_in_words(said: str, text: str, highest: int) -> int:
    bare = _MARKUP.sub("", _FENCE.sub("\n", said))
    lines = [" ".join(line.split()) for line in bare.splitlines() if line.strip()]
    form = re.compile(rf"{_NAMES_GRADE}(?:\s?(?:/|out of)\s?{highest})?\s?\.?", re.IGNORECASE)
    whole = form.fullmatch(" ".join(lines))
    if whole:
        return _on_scale(whole[1], text, highest)
    named = [found for line in lines if (found := form.fullmatch(line))]
    if len(named) == 1 and form.fullmatch(lines[-1]):
        return _on_scale(named[0][1], text, highest)
    numbers = set(_numbers(said, highest))
    if not numbers:
        raise failure("the answer names no grade", text)
    if len(named) > 1 or len(numbers) > 1:
        raise failure(f"the answer names several numbers ({', '.join(sorted(numbers))})", text)
    raise failure("the answer has a number between words that may be no grade", text)


def _numbers(text: str, highest: int) -> list[str]:
    """Return the numbers of a text, without the highest grade where it only names the scale."""
    return _NUMBER.findall(_without_scale(text, highest))


def _without_scale(text: str, highest: int) -> str:
    """Return a text without the words that name the scale: of ``2/3`` and ``2 out of 3`` the 2 is left."""
    ranges = rf"(?<![\w.,])0\s*(?:-|\u2013|to|\.\.)\s*{highest}(?![\w/]|[.,][0-9])"
    parts = rf"(?<=[0-9])[*_`]*\s*(?:/|out\s+of)\s*[*_`]*{highest}(?![\w/%]|[.,][0-9])"
    return re.sub(parts, "", re.sub(ranges, " ", text), flags=re.IGNORECASE)
