"""Configurations: every problem at once, with its place and a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.config import load_config, resolved_yaml
from evalkit.errors import ConfigError

GOOD = """\
name: small
datasets: [demo]
rerankers:
  mine: {backend: lexical}
"""


def problems(tmp_path: Path, text: str, *overrides: str) -> str:
    """Return what the user is shown for a bad configuration."""
    file = tmp_path / "c.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file, overrides)
    return caught.value.render().replace(f"{file}", "c.yaml")


BAD = {
    "unknown key": (
        GOOD.replace("lexical}", "lexical, batchsize: 3}"),
        "c.yaml:4:28: unknown key 'batchsize'\n  hint: did you mean 'batch_size'?",
    ),
    "misplaced key": (
        GOOD + "batch_sizes: [1]\n",
        "unknown key 'batch_sizes'\n  hint: move 'batch_sizes' to latency",
    ),
    "misplaced retriever key": (
        GOOD + "k1: 1.2\n",
        "c.yaml:5:1: unknown key 'k1'\n  hint: move 'k1' to retriever",
    ),
    "duplicate key": (
        GOOD + "name: again\n",
        "c.yaml:5:1: key 'name' occurs twice\n  hint: remove one of the two; the other is in line 1",
    ),
    "unknown backend": (
        GOOD.replace("lexical", "bi-encoder"),
        "c.yaml:4:19: unknown reranker backend 'bi-encoder'\n  hint: did you mean 'bi_encoder'?",
    ),
    "unknown dataset": (
        GOOD.replace("demo", "dmo"),
        "unknown dataset source 'dmo'\n  hint: did you mean 'demo'?",
    ),
    "unknown metric": (
        GOOD + "metrics: [nDGC@10]\n",
        "c.yaml:5:11: unknown metric 'nDGC'\n  hint: did you mean 'nDCG'?",
    ),
    "metric without cutoff": (GOOD + "metrics: [P]\n", "'P' needs a cutoff\n  hint: write P@10"),
    "same metric twice": (GOOD + "metrics: [RR@10, MRR@10]\n", "'MRR@10' is the same metric as 'RR@10'"),
    "wrong type": (GOOD + "seed: many\n", "c.yaml:5:7: 'seed' must be a whole number (given: 'many')"),
    "text for a number": (
        GOOD + 'depths: ["10"]\n',
        "c.yaml:5:10: 'depths[0]' must be a whole number (given: '10')",
    ),
    "out of range": (
        GOOD + "depths: [0]\n",
        "c.yaml:5:10: 'depths[0]' should be greater than or equal to 1 (given: 0)",
    ),
    "depth beyond the retriever": (
        GOOD + "depths: [500]\n",
        "depth 500 is larger than retriever.depth (100)",
    ),
    "missing key": (
        "datasets: [demo]\nrerankers:\n  a: {backend: lexical}\n",
        "key 'name' is missing\n  hint: add 'name:'",
    ),
    "missing backend": (
        GOOD.replace("backend: lexical", "batch_size: 3"),
        "c.yaml:4:9: key 'backend' is missing",
    ),
    "http without url": (GOOD.replace("lexical", "http"), "needs 'url', 'serve' or a dialect"),
    "not a url": (
        GOOD.replace("lexical", "http, url: localhost"),
        "'url' must start with http:// or https://",
    ),
    "language by its code": (
        "name: x\ndatasets:\n  - {source: demo, language: zh}\nrerankers:\n  a: {backend: lexical}\n",
        "c.yaml:3:30: unknown language 'zh'\n  hint: use 'chinese'",
    ),
    "unknown language": (
        "name: x\ndatasets:\n  - {source: demo, language: germn}\nrerankers:\n  a: {backend: lexical}\n",
        "c.yaml:3:30: unknown language 'germn'\n  hint: did you mean 'german'?",
    ),
    "unknown dialect": (
        GOOD.replace("lexical", "http, url: http://x, dialect: asisters"),
        "c.yaml:4:49: unknown dialect 'asisters'\n  hint: did you mean 'assisters'?",
    ),
    "bad nested block": (
        GOOD.replace("lexical", "http, serve: {backend: lexical, mmu: 3}"),
        "c.yaml:4:51: unknown key 'mmu'\n  hint: did you mean 'mu'?",
    ),
    "key variable unset": (
        GOOD.replace("lexical", "http, url: http://x, api_key_env: NO_SUCH_VARIABLE"),
        "the environment variable 'NO_SUCH_VARIABLE' is not set",
    ),
    "tag of the retriever": (
        GOOD.replace("mine", "bm25"),
        "the tag 'bm25' is already the tag of the retriever",
    ),
    "too large a batch": (
        GOOD.replace("lexical}", "http, url: http://x, max_documents: 10}")
        + "latency: {batch_sizes: [1, 20]}\n",
        "c.yaml:5:28: batch size 20 is larger than the maximum of 10 documents",
    ),
    "two datasets of one name": (GOOD.replace("[demo]", "[demo, demo]"), "two datasets have the name 'demo'"),
    "an empty list": (GOOD + "depths: []\n", "c.yaml:5:9: 'depths' must not be empty"),
    "a number beyond all bounds": (GOOD + f"seed: {10**30}\n", "c.yaml:5:7: 'seed' should be less than"),
    "a parameter that a metric lacks": (
        GOOD + "metrics: [nDCG(foo=1)@10]\n",
        "'nDCG(foo=1)@10': nDCG has no parameter 'foo'",
    ),
    "not a number": (GOOD.replace("lexical", "lexical, mu: .nan"), "'mu' should be a finite number"),
    "an item of the wrong kind": (
        GOOD.replace("[demo]", "[demo, 3]"),
        "c.yaml:2:18: 'datasets[1]' must be text (given: 3)",
    ),
    "not YAML": ("name: [", "c.yaml:1:8: not valid YAML"),
    "a tab that indents": (
        "name: t\ndatasets:\n\t- demo\n\t- demo\n",
        "c.yaml:3:1: tab character, which YAML does not allow here\n  hint: use spaces instead of tabs; 2 lines",
    ),
    "a tab after a colon": ("name:\tt\n", "c.yaml:1:6: tab character, which YAML does not allow here"),
    "a YAML tag": (GOOD + "seed: !!python/object:os.system 3\n", "c.yaml:5:7: the YAML tag"),
    "empty": ("", "key 'name' is missing"),
    "a list": ("- a\n", "must be a mapping"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_configuration_is_reported_with_place_and_hint(tmp_path: Path, case: str) -> None:
    """Each kind of mistake gets its own sentence with file, line and column, and a way out."""
    text, said = BAD[case]
    assert said in problems(tmp_path, text)


def test_all_problems_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """One check reports every mistake, top to bottom, and how many there are."""
    shown = problems(
        tmp_path,
        "name: x\nnam: y\ndatasets: [dmo]\n"
        "rerankers:\n  a: {backend: lexica}\n  a: {backend: http}\nmetrics: [foo@3]\n",
    )
    lines = [line for line in shown.splitlines() if line.startswith("error: ")]
    places = [int(line.split(":")[2]) for line in lines]
    assert places == sorted(places)
    assert len(lines) == 5
    assert shown.endswith("5 problems; nothing was run")


def test_overrides_win_and_are_named_in_errors(tmp_path: Path) -> None:
    """--set changes or adds a setting; a bad one is reported as coming from --set."""
    file = tmp_path / "c.yaml"
    file.write_text(GOOD, encoding="utf-8")
    config = load_config(
        file, ["retriever.depth=50", "rerankers.mine.mu=500.0", "datasets.0={source: demo, name: other}"]
    )
    assert (config.retriever.depth, config.depths) == (50, (50,))
    assert config.datasets[0].label == "other"
    assert getattr(config.rerankers["mine"], "mu") == 500.0  # noqa: B009 - the plugin's own field
    assert "--set retriever.dept: unknown key 'dept'" in problems(
        tmp_path, GOOD, "retriever.kind=bm25", "retriever.dept=5"
    )
    assert "'oops' has no '='" in problems(tmp_path, GOOD, "oops")
    assert "is not a path in the configuration" in problems(tmp_path, GOOD, "name.inner.deep=1")


def test_yaml_is_version_1_2(tmp_path: Path) -> None:
    """1e3 is a number and no is text, as YAML 1.2 has it."""
    file = tmp_path / "c.yaml"
    file.write_text(
        GOOD.replace("name: small", "name: no").replace("lexical", "lexical, mu: 1e3"), encoding="utf-8"
    )
    config = load_config(file)
    assert config.name == "no"
    assert getattr(config.rerankers["mine"], "mu") == 1000.0  # noqa: B009 - the plugin's own field


def test_anchors_and_merges_work(tmp_path: Path) -> None:
    """A block can be shared by anchor; keys given next to a merge win."""
    file = tmp_path / "c.yaml"
    file.write_text(
        "name: x\ndatasets: [demo]\nrerankers:\n  a: &base {backend: lexical, mu: 5.0}\n  b: {<<: *base, mu: 6.0}\n",
        encoding="utf-8",
    )
    rerankers = load_config(file).rerankers
    assert [getattr(rerankers[tag], "mu") for tag in "ab"] == [5.0, 6.0]  # noqa: B009


def test_a_resolved_configuration_loads_to_itself(tmp_path: Path) -> None:
    """Writing every default out and reading it back changes nothing."""
    file = tmp_path / "c.yaml"
    text = GOOD + "latency: {}\n  \n"
    file.write_text(text.replace("lexical}", "http, serve: {backend: lexical}}"), encoding="utf-8")
    first = load_config(file)
    file.write_text(resolved_yaml(first), encoding="utf-8")
    assert load_config(file) == first
