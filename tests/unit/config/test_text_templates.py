"""Templates around queries and documents: one placeholder, everything else literal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.config import TextTemplates
from evalkit.config.text_templates import DOCUMENT, QUERY, check_template

TEXTS = st.text(max_size=30) | st.sampled_from(["{query}", "{document}", "{}", "{{query}}", "%s", "\\1"])


@given(query=TEXTS, documents=st.lists(TEXTS, max_size=4))
def test_texts_without_templates_are_sent_as_they_are(query: str, documents: list[str]) -> None:
    """Also texts that contain a placeholder."""
    assert TextTemplates().sent(query, tuple(documents)) == (query, tuple(documents))


@given(query=TEXTS, documents=st.lists(TEXTS, max_size=4))
def test_only_the_placeholder_is_replaced(query: str, documents: list[str]) -> None:
    """Braces of the template and of the text are literal, and a text is never read as a template."""
    templates = TextTemplates('{"q": {query}, "k": {0}}', "{{document}} \\1 {x}\n")
    sent_query, sent = templates.sent(query, tuple(documents))
    assert sent_query == '{"q": ' + query + ', "k": {0}}'
    assert sent == tuple("{" + text + "} \\1 {x}\n" for text in documents)


@pytest.mark.parametrize(
    ("template", "placeholder", "message"),
    [
        ("no placeholder", QUERY, r"must contain \{query\} exactly once \(found: 0\)"),
        ("{query} {query}", QUERY, r"must contain \{query\} exactly once \(found: 2\)"),
        ("{ query }", QUERY, r"found: 0"),
        ("{query} {document}", QUERY, r"must not contain \{document\}: texts are sent separately"),
        ("{query} {document}", DOCUMENT, r"must not contain \{query\}"),
    ],
)
def test_a_template_has_its_own_placeholder_once(template: str, placeholder: str, message: str) -> None:
    """Any other template would drop or repeat a text."""
    with pytest.raises(ValueError, match=message):
        check_template(template, placeholder)
