"""Cascades in a configuration: what their stages may be, and where the problem is reported."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from evalkit.config import CascadeSettings, load_config, reranker_settings, resolved_yaml
from evalkit.errors import ConfigError, InputError

BASE = """\
name: t
datasets: [demo]
retriever: {depth: 50}
rerankers:
  small: {backend: lexical}
  large: {backend: lexical, mu: 10.0}
  listed: {backend: identity}
"""
GOOD = BASE + "  both: {backend: cascade, stages: [{reranker: small, keep: 20}, {reranker: large}]}\n"


def cascade(stages: str, more: str = "") -> str:
    """Return a configuration with a cascade ``both``, whose stages are in line 10."""
    return f"{BASE}  both:\n    backend: cascade\n    stages: [{stages}]\n{more}"


PROBLEMS = {
    "unknown stage": (
        cascade("{reranker: smal, keep: 9}, {reranker: large}"),
        "c.yaml:10:25: unknown reranker 'smal'\n  hint: did you mean 'small'?",
    ),
    "itself": (
        cascade("{reranker: both, keep: 9}, {reranker: large}"),
        "c.yaml:10:25: 'both' is a stage of itself\n  hint: name another reranker",
    ),
    "cycle": (
        cascade(
            "{reranker: other, keep: 9}, {reranker: large}",
            "  other: {backend: cascade, stages: [{reranker: both, keep: 9}, {reranker: large}]}\n",
        ),
        "c.yaml:10:25: the stages form a cycle: both -> other -> both",
    ),
    "keep of the last stage": (
        cascade("{reranker: small, keep: 9}, {reranker: large, keep: 3}"),
        "c.yaml:10:66: the last stage has a 'keep'\n  hint: remove it",
    ),
    "no keep": (
        cascade("{reranker: small}, {reranker: large}"),
        "c.yaml:10:14: key 'keep' is missing",
    ),
    "keep grows": (
        cascade("{reranker: small, keep: 9}, {reranker: large, keep: 9}, {reranker: large}"),
        "c.yaml:10:66: keep 9 is not less than that of the stage before (9)",
    ),
    "keep beyond the depth": (
        cascade("{reranker: small, keep: 51}, {reranker: large}"),
        "c.yaml:10:38: keep 51 is larger than the deepest depth (50)",
    ),
    "one stage": (cascade("{reranker: small}"), "'stages' "),
    "a later stage that depends on the list": (
        cascade("{reranker: small, keep: 9}, {reranker: listed}"),
        "c.yaml:10:53: 'listed' is not pointwise",
    ),
    "a margin of ranks": (
        cascade("{reranker: listed, keep: 9}, {reranker: large}", "    skip: {margin: 1.0}\n"),
        "c.yaml:11:11: the first stage 'listed' is not pointwise",
    ),
    "keys of calls": (
        cascade("{reranker: small, keep: 9}, {reranker: large}", "    batch_size: 10\n"),
        "c.yaml:11:17: 'batch_size' has no effect on a cascade",
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_an_impossible_cascade_is_a_problem_with_its_position(tmp_path: Path, name: str) -> None:
    """Each rule between a cascade and its stages is reported where it is broken."""
    text, expected = PROBLEMS[name]
    file = tmp_path / "c.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert expected in caught.value.render().replace(str(file), "c.yaml")


def load(tmp_path: Path, text: str) -> CascadeSettings:
    """Return the cascade ``both`` of a configuration."""
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    settings = load_config(tmp_path / "c.yaml").rerankers["both"]
    assert isinstance(settings, CascadeSettings)
    return settings


def test_a_cascade_knows_the_settings_of_its_stages(tmp_path: Path) -> None:
    """Also where a stage is a cascade itself, and after pickling."""
    nested = cascade(
        "{reranker: inner, keep: 4}, {reranker: large}",
        "  inner: {backend: cascade, stages: [{reranker: small, keep: 9}, {reranker: large}]}\n",
    )
    first, second = pickle.loads(pickle.dumps(load(tmp_path, nested))).stage_settings()  # noqa: S301 - our own bytes
    assert isinstance(first, CascadeSettings)
    assert [one.backend for one in first.stage_settings()] == ["lexical", "lexical"]
    assert second.backend == "lexical"


def test_a_resolved_cascade_loads_to_the_same(tmp_path: Path) -> None:
    """The settings of the stages are no keys of the cascade."""
    (tmp_path / "c.yaml").write_text(GOOD, encoding="utf-8")
    config = load_config(tmp_path / "c.yaml")
    (tmp_path / "d.yaml").write_text(resolved_yaml(config), encoding="utf-8")
    assert load_config(tmp_path / "d.yaml") == config


def test_only_rerankers_with_a_backend_are_called(tmp_path: Path) -> None:
    """A cascade is a reranker of the configuration, and not one that is called."""
    (tmp_path / "c.yaml").write_text(GOOD, encoding="utf-8")
    config = load_config(tmp_path / "c.yaml")
    assert list(config.rerankers) == ["small", "large", "listed", "both"]
    assert list(config.called) == ["small", "large", "listed"]


def test_stages_without_a_configuration_are_an_error() -> None:
    """Settings alone do not say which rerankers the tags mean."""
    alone = reranker_settings(
        {"backend": "cascade", "stages": [{"reranker": "a", "keep": 2}, {"reranker": "b"}]}
    )
    assert isinstance(alone, CascadeSettings)
    with pytest.raises(InputError, match="the stages a, b of the cascade are unknown"):
        alone.stage_settings()
