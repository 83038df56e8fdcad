"""The names of models in settings: every key that names one, and nothing that does not."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.records.named_models import model_names


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"model": "gpt-4o", "expect_model": "gpt-4o-2024"}, ("gpt-4o", "gpt-4o-2024")),
        ({"serve": {"backend": "cross_encoder", "model": "a/b"}}, ("a/b",)),
        ({"options": {"model_id": "qwen3", "top_n": 3}}, ("qwen3",)),
        ({"options": {"routes": [{"deployment": "llama-3"}]}}, ("llama-3",)),
        ({"model": "/home/llama/models/minilm/checkpoint-5"}, ("minilm/checkpoint-5",)),
        ({"model": "./mine"}, ("mine",)),
        ({"url": "http://127.0.0.1:8080/v1/rerank?model=x"}, ("127.0.0.1",)),
        (
            {"url": "https://x.openai.azure.com/openai/deployments/rank-1/chat/completions"},
            ("x.openai.azure.com", "rank-1/chat/completions"),
        ),
        ({"url": "https://api.groq.com/openai/v1"}, ("api.groq.com",)),
        ({"url": "http://[::1"}, ()),
        (
            {
                "instruction": "Act as Claude",
                "query_template": "gpt {query}",
                "api_key_env": "OPENAI_API_KEY",
            },
            (),
        ),
        ({"members": {"sol": "no JSON"}}, ("sol", "no JSON")),
        ({"model": None, "headers": {}}, ()),
    ],
)
def test_names(settings: dict[str, Any], expected: tuple[str, ...]) -> None:
    """Of a folder the last parts, of a url the host and the model in its path; no prompt and no name of a key."""
    assert model_names(settings) == expected
