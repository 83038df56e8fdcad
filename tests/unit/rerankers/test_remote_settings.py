"""Keys of an API reach its headers, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from support.stand_in import by_length, stand_in

from evalkit.config import reranker_settings
from evalkit.errors import CallError, ConfigError
from evalkit.records import RerankRequest
from evalkit.rerankers import load_reranker
from evalkit.store import identity_of

KEY, GATEWAY = "s3cret-of-the-api", "s3cret-of-the-gateway"
URL = "https://r.example/v1/rerank"
REQUEST = RerankRequest("q", "which?", ("a", "bb"), ("0", "1"))


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_API_KEY", KEY)
    monkeypatch.setenv("TEST_GATEWAY_KEY", f" {GATEWAY}\n")
    monkeypatch.delenv("TEST_UNSET_KEY", raising=False)


def headers_of(dialect: str = "jina", **settings: Any) -> Mapping[str, str]:
    """Return the headers that arrive, names in lower case."""
    seen: list[Mapping[str, str]] = []

    def answer(body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        seen.append(headers)
        return by_length(body, headers)

    with stand_in(answer) as url:
        reranker = load_reranker("http", url=url, dialect=dialect, model="m", **settings)
        reranker.score(REQUEST)
        reranker.close()
    return seen[0]


def problem_of(**settings: Any) -> str:
    """Return the message of a refused block."""
    with pytest.raises(ConfigError) as caught:
        reranker_settings({"backend": "http", "url": URL, "dialect": "jina", "model": "m", **settings})
    return str(caught.value)


def test_the_key_has_the_header_and_prefix_of_the_dialect() -> None:
    """Unless the configuration names others."""
    assert headers_of(api_key_env="TEST_API_KEY")["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("settings", "header", "value"),
    [
        ({"key_header": "X-Api-Key", "key_prefix": ""}, "x-api-key", KEY),
        ({"key_header": "X-Api-Key"}, "x-api-key", f"Bearer {KEY}"),
        ({"key_prefix": "Api-Key "}, "authorization", f"Api-Key {KEY}"),
    ],
)
def test_the_header_and_the_prefix_of_the_key_are_settings(
    settings: dict[str, Any], header: str, value: str
) -> None:
    """They replace those of the dialect one by one."""
    found = headers_of(api_key_env="TEST_API_KEY", **settings)
    assert found[header] == value
    assert ("authorization" in found) == (header == "authorization")


def test_the_settings_replace_those_of_a_shape() -> None:
    """The keys of the block itself are the last word."""
    found = headers_of(
        "generic",
        shape={"key_header": "X-Old"},
        api_key_env="TEST_API_KEY",
        key_header="X-New",
        key_prefix="",
    )
    assert found["x-new"] == KEY
    assert "x-old" not in found


def test_a_gateway_gets_a_key_of_its_own() -> None:
    """Next to the key of the API; the value is the variable's, without white space around it."""
    found = headers_of(api_key_env="TEST_API_KEY", headers_env={"X-Gateway-Key": "TEST_GATEWAY_KEY"})
    assert (found["authorization"], found["x-gateway-key"]) == (f"Bearer {KEY}", GATEWAY)


def test_every_echoed_key_is_redacted() -> None:
    """An error message of the API that repeats its headers does not repeat the keys."""

    def echo(_body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        return 401, orjson.dumps({"detail": f"{headers['x-a']} {headers['x-b']}"})

    with stand_in(echo) as url:
        reranker = load_reranker(
            "http",
            url=url,
            dialect="jina",
            api_key_env="TEST_API_KEY",
            key_header="X-A",
            headers_env={"X-B": "TEST_GATEWAY_KEY"},
        )
        with pytest.raises(CallError) as caught:
            reranker.score(REQUEST)
        reranker.close()
    assert "[key]" in caught.value.message
    shown = f"{caught.value.message} {caught.value.hint} {caught.value.body}"
    assert KEY not in shown
    assert GATEWAY not in shown
    assert caught.value.hint == "check the key in TEST_API_KEY and TEST_GATEWAY_KEY"


def test_a_chat_api_gets_the_same_headers() -> None:
    """`listwise` has the settings of every remote backend."""
    seen: list[dict[str, str]] = []

    def answer(_body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        seen.append(headers)
        return 200, orjson.dumps({"model": "m", "choices": [{"message": {"content": "[2] > [1]"}}]})

    with stand_in(answer) as url:
        reranker = load_reranker(
            "listwise",
            url=url,
            model="m",
            api_key_env="TEST_API_KEY",
            key_header="Api-Key",
            key_prefix="",
            headers_env={"X-Gateway-Key": "TEST_GATEWAY_KEY"},
        )
        assert reranker.score(REQUEST).scores.tolist() == [0.5, 1.0]
        reranker.close()
    assert (seen[0]["api-key"], seen[0]["x-gateway-key"]) == (KEY, GATEWAY)
    assert "authorization" not in seen[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"key_header": "X Key"}, "'key_header' must be the name of a header"),
        ({"key_prefix": "a\nb"}, "'key_prefix' must be one line of ASCII characters"),
        ({"headers_env": {"X:Y": "A"}}, "'headers_env' contains an invalid header: 'X:Y'"),
        (
            {"headers_env": {"x-a": "TEST_API_KEY"}, "headers": {"X-A": "1"}},
            "sets the header 'x-a' twice",
        ),
        (
            {"headers_env": {"Authorization": "TEST_GATEWAY_KEY"}, "api_key_env": "TEST_API_KEY"},
            "sets the header 'Authorization' twice",
        ),
        (
            {"headers_env": {"X-A": "TEST_GATEWAY_KEY"}, "api_key_env": "TEST_API_KEY", "key_header": "x-a"},
            "sets the header 'x-a' twice",
        ),
    ],
)
def test_headers_that_cannot_be_sent_are_refused(settings: dict[str, Any], message: str) -> None:
    """Before anything is sent, with the setting that is wrong."""
    assert message in problem_of(**settings)


def test_headers_do_not_change_which_scores_are_stored() -> None:
    """Another key or gateway in front of the same API gives the same scores."""
    block = {"backend": "http", "url": URL, "dialect": "jina", "model": "m"}
    more = {"key_header": "X-A", "key_prefix": "", "headers_env": {"X-Gateway-Key": "TEST_GATEWAY_KEY"}}
    assert identity_of(reranker_settings({**block, **more})) == identity_of(reranker_settings(block))
