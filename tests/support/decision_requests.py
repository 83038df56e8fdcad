"""Requests to the decision APIs of the service, as the backend `decisions` sends them."""

from __future__ import annotations

from typing import Any

from evalkit.dialects.decision_contracts import CONTRACTS
from evalkit.dialects.decision_formats import DECISION_FORMATS
from evalkit.dialects.decision_records import OUR_WORDING, Content, Question
from evalkit.rerankers.decisions_settings import keys_of

BOTH = sorted(CONTRACTS)
STATUS = {"openai": 400, "system_one": 422}
"""Contract -> status of a request that cannot be answered."""
FORMS = {form.contract.name: form for form in DECISION_FORMATS}
TEXTS = ("a", "bb", "cccc")


def listed(texts: tuple[str, ...] = TEXTS, instruction: str = "") -> tuple[Content, list[Question]]:
    """Return the content of documents in a list, and the questions about them."""
    keys = keys_of(len(texts))
    content: Content = {"query": "q", **({"instruction": instruction} if instruction else {})}
    content = {**content, "documents": dict(zip(keys, texts, strict=True))}
    return content, [OUR_WORDING.ask(key, f"documents.{key}", instructed=bool(instruction)) for key in keys]


def body_of(contract: str, **changes: Any) -> dict[str, Any]:
    """Return a request of the backend `decisions`."""
    return {**CONTRACTS[contract].encode("m", *listed(), {}), **changes}
