"""Where a text has the words of a query, to mark them."""

from __future__ import annotations

from evalkit.text_analysis.analyzer import Analyzer


def matched_parts(analyzer: Analyzer, query: str, text: str) -> list[str]:
    """Return a text in parts, of which every second one is a word that matches a term of a query.

    Parameters
    ----------
    analyzer
        Splits both texts into terms.
    query, text
        The texts.

    Returns
    -------
    parts
        An odd number of parts that together are the text. The first part is before the first match; parts may be empty.
    """
    wanted = frozenset(analyzer.terms(query))
    known: dict[str, bool] = {}
    parts, end = [""], 0
    for start, stop in analyzer.token_places(text) if wanted else ():
        token = text[start:stop]
        if token not in known:
            known[token] = not wanted.isdisjoint(analyzer.terms(token))
        if not known[token]:
            continue
        if start <= end and len(parts) > 1:  # bigrams overlap
            parts[-2] += text[end:stop]
        else:
            parts[-1] = text[end:start]
            parts += [text[start:stop], ""]
        end = stop
    parts[-1] = text[end:]
    return parts
