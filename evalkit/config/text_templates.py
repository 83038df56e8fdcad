"""Text around every query and every document that is sent to an API."""

from __future__ import annotations

from dataclasses import dataclass

QUERY, DOCUMENT = "{query}", "{document}"
"""The placeholders; all other text of a template is sent as it is, braces included."""


@dataclass(frozen=True, slots=True)
class TextTemplates:
    """What is sent in place of a query and of a document; None to send the text as it is.

    Attributes
    ----------
    query, document
        A text with one placeholder, ``{query}`` or ``{document}``.
    """

    query: str | None = None
    document: str | None = None

    def sent(self, query: str, documents: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """Return the query and the documents as they are sent."""
        if self.query is not None:
            query = self.query.replace(QUERY, query, 1)
        if self.document is not None:
            before, _, after = self.document.partition(DOCUMENT)
            documents = tuple(f"{before}{text}{after}" for text in documents)
        return query, documents


AS_THEY_ARE = TextTemplates()
"""No templates: texts are sent as they are."""


def check_template(template: str, placeholder: str) -> str:
    """Return a template that contains its placeholder once.

    Raises
    ------
    ValueError
        If the placeholder is missing or repeated, or that of the other text is in it: every text has its own template.
    """
    count = template.count(placeholder)
    if count != 1:
        raise ValueError(f"must contain {placeholder} exactly once (found: {count})")
    other = DOCUMENT if placeholder == QUERY else QUERY
    if other in template:
        raise ValueError(f"must not contain {other}: texts are sent separately")
    return template
