"""The block ``passages`` of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalkit.config import load_config, resolved_yaml
from evalkit.config.load import build_config
from evalkit.config.source import Source
from evalkit.errors import ConfigError


def config_of(passages: Any, **more: Any) -> Any:
    """Return the configuration of a dataset with this block; None for a dataset without it."""
    dataset = {"source": "demo"} | ({} if passages is None else {"passages": passages})
    reranker = {"backend": "http", "url": "http://127.0.0.1:9/v1/rerank", "model": "m"}
    data = {"name": "t", "datasets": [dataset], "rerankers": {"a": reranker}, **more}
    return build_config(Source("c.yaml", data=data))


def test_defaults_are_passages_of_256_tokens_and_the_highest_score() -> None:
    """Only the tokenizer has no default."""
    passages = config_of({"tokenizer": "some/model"}).datasets[0].passages
    assert (passages.tokens, passages.overlap, passages.combine) == (256, 32, "max")
    with pytest.raises(ConfigError, match="tokenizer"):
        config_of({"tokens": 100})


def test_without_the_block_nothing_is_resolved() -> None:
    """The resolved configuration, which names result folders, is that of a configuration without passages."""
    assert "passages" not in resolved_yaml(config_of(None))


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"tokens": 32, "overlap": 32}, "overlap 32 is not less than tokens 32"),
        ({"tokens": 0}, "tokens"),
        ({"overlap": -1}, "overlap"),
        ({"combine": "mean"}, "'max', 'first' or 'mean_top3'"),
        ({"stride": 5}, "unknown key 'stride'"),
    ],
)
def test_impossible_passages_are_refused(block: dict[str, Any], said: str) -> None:
    """With the key and what is accepted."""
    with pytest.raises(ConfigError, match=said):
        config_of({"tokenizer": "some/model", **block})


def test_a_cascade_has_no_passages() -> None:
    """Its stages keep numbers of documents."""
    stage = {"backend": "lexical"}
    cascade = {"backend": "cascade", "stages": [{"reranker": "a", "keep": 3}, {"reranker": "b"}]}
    with pytest.raises(ConfigError, match="'cascade' has no scores of passages"):
        config_of({"tokenizer": "some/model"}, rerankers={"a": stage, "b": stage, "c": cascade})


def test_a_tokenizer_is_looked_for_next_to_the_configuration(tmp_path: Path) -> None:
    """As every other input; a name that is no path stays the name of a model."""
    (tmp_path / "tokenizer").mkdir()
    file = tmp_path / "c.yaml"
    text = (
        "name: t\ndatasets: [{source: demo, passages: {tokenizer: %s}}]\nrerankers: {w: {backend: lexical}}\n"
    )
    for name, found in (("tokenizer", str(tmp_path / "tokenizer")), ("some/model", "some/model")):
        file.write_text(text % name)
        passages = load_config(file).datasets[0].passages
        assert passages is not None
        assert passages.tokenizer == found
