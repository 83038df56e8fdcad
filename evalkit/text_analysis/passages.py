"""Find where the passages of a document begin and end, from the places of its tokens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def passage_spans(
    text: str, offsets: NDArray[np.int64], tokens: int, overlap: int
) -> tuple[tuple[int, int], ...]:
    """Return the first and the end character of every passage of a text.

    Passage i has the tokens from ``i * (tokens - overlap)`` on, `tokens` of them; the passage with the last token is
    the last one, and may be shorter. It is the text from the first character of its first token to the last character
    of its last one. Text that belongs to no token, other than blanks, goes to the passage before it, and to the first
    one at the beginning of the text: only blanks are lost.

    Parameters
    ----------
    text
        The document.
    offsets
        ``(t, 2)`` first and end character of every token. A text without tokens is one passage.
    tokens
        Most tokens of a passage.
    overlap
        Tokens that a passage shares with the next one, less than `tokens`.
    """
    count = len(offsets)
    if not count:
        return ((0, len(text)),)
    begins, ends = offsets[:, 0], np.maximum.accumulate(offsets[:, 1])
    spans = []
    for first in range(0, max(count - overlap, 1), tokens - overlap):
        begin, after = int(begins[first]), min(first + tokens, count)
        if first == 0:
            begin -= len(text[:begin].lstrip())
        end, until = int(ends[after - 1]), int(begins[after]) if after < count else len(text)
        spans.append((begin, end + len(text[end:until].rstrip())))
    return tuple(spans)
