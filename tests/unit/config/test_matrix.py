"""``matrix:`` blocks: what they stand for, and what is said of a mistake in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.config import Config, load_config
from evalkit.errors import ConfigError

HEAD = "name: m\ndatasets: [demo]\nrerankers:\n"


def load(tmp_path: Path, rerankers: str, *overrides: str) -> Config:
    """Load a configuration with these rerankers."""
    file = tmp_path / "m.yaml"
    file.write_text(HEAD + rerankers, encoding="utf-8")
    return load_config(file, overrides)


def test_a_matrix_stands_for_all_combinations(tmp_path: Path) -> None:
    """In the order of the file, each with the block's other keys, under a name made of its values."""
    matrix = "{mu: [500, 1e3], title_weight: [1, 2]}"
    text = f"  lex: {{backend: lexical, batch_size: 7, matrix: {matrix}}}\n  other: {{backend: identity}}\n"
    rerankers = load(tmp_path, text).rerankers
    assert list(rerankers) == ["lex-500-1", "lex-500-2", "lex-1000.0-1", "lex-1000.0-2", "other"]
    values = [(one.mu, one.title_weight, one.batch_size) for tag, one in rerankers.items() if tag != "other"]  # type: ignore[attr-defined]
    assert values == [(500, 1, 7), (500, 2, 7), (1000, 1, 7), (1000, 2, 7)]


def test_paths_and_hub_names_make_short_tags(tmp_path: Path) -> None:
    """A model goes by its last part, and what cannot stand in a tag is an underscore."""
    rerankers = load(
        tmp_path, "  m: {backend: bi_encoder, matrix: {model: [a/small v2, b/large]}}\n"
    ).rerankers
    assert list(rerankers) == ["m-small_v2", "m-large"]


def test_an_override_may_change_a_matrix(tmp_path: Path) -> None:
    """``--set`` reaches the lists, as it reaches all else."""
    text = "  lex: {backend: lexical, matrix: {mu: [500]}}\n"
    rerankers = load(tmp_path, text, "rerankers.lex.matrix.mu=[1, 2]").rerankers
    assert list(rerankers) == ["lex-1", "lex-2"]


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        ("{mu: [500, -3], title_weight: [1, 2]}", "m.yaml:4:46: 'mu' should be greater than 0 (given: -3)"),
        ("{mmu: [1]}", "m.yaml:4:36: unknown key 'mmu'"),
        ("[1]", "m.yaml:4:35: 'matrix' must be a mapping (key: list)"),
        ("{mu: 3}", "m.yaml:4:40: 'mu' must be a list with at least one value"),
        ("{mu: [2]}", "m.yaml:4:35: the matrix gives two rerankers the name 'lex-2'"),
        (f"{{mu: {list(range(1, 102))}}}", "the matrix defines 101 rerankers; the maximum is 100"),
    ],
)
def test_a_mistake_is_reported_once_with_its_place(tmp_path: Path, matrix: str, said: str) -> None:
    """Where the value stands in its list, and not once for every combination."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"  lex: {{backend: lexical, matrix: {matrix}}}\n  lex-2: {{backend: identity}}\n")
    assert said in caught.value.render()
    assert caught.value.render().count("error: ") == 1  # once, however many combinations
