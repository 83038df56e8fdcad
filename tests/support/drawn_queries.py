"""Datasets with a draw of queries for people, and judgments of people and of a judge on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from evalkit.config import DatasetSettings, HumanSampleSettings, JudgmentSource
from evalkit.datasets.human_sample import DrawState, human_sample_of
from evalkit.datasets.loading import dataset_settings
from evalkit.formats import judgment_lines
from evalkit.records import Dataset, Judgment, Qrels, Rater, utc_text
from support.inspected import dataset

ANNA = Rater("human", "anna")
LUNA = Rater("model", "gpt", "aa" * 32, "0: no\n1: yes", {"model": "gpt", "temperature": 0})


def asked(texts: dict[str, str]) -> Dataset:
    """Return a dataset with these queries."""
    return dataset({"d": "text"}, texts, {query_id: {"d": 1} for query_id in texts})


MANY = asked({f"q{n:03}": f"query number {n}" for n in range(200)})
UNJUDGED = replace(MANY, qrels=Qrels({}))


def rated(
    settings: DatasetSettings, folder: Path, queries: tuple[str, ...], at: str | None = None
) -> DatasetSettings:
    """Let a person judge queries, now or at a time; return settings that list the file, and a judge."""
    lines = [Judgment(query_id, "d", 1.0, ANNA, at or utc_text()) for query_id in queries]
    (folder / "people.jsonl").write_bytes(judgment_lines(lines))
    sources = (
        JudgmentSource(path=folder / "people.jsonl"),
        JudgmentSource(judge="luna", path=folder / "luna.jsonl"),
    )
    return settings.model_copy(update={"judgments": sources})


def enlarged(settings: DatasetSettings, queries: int) -> DatasetSettings:
    """Return settings that ask for another number of queries."""
    assert settings.human_sample is not None
    sample = settings.human_sample.model_copy(update={"queries": queries})
    return settings.model_copy(update={"human_sample": sample})


def graded(folder: Path, *raters: Rater) -> None:
    """Write the judge's file with grades of these raters, one after the other."""
    lines = [Judgment("q001", f"d{n}", 1.0, rater, "2026-01-01T00:00:00Z") for n, rater in enumerate(raters)]
    (folder / "luna.jsonl").write_bytes(judgment_lines(lines))


def state(settings: DatasetSettings) -> DrawState:
    """Return the draw of a dataset without judgments of its own."""
    found = human_sample_of(settings, UNJUDGED)
    assert found is not None
    return found


def dataset_settings_of(path: Path) -> DatasetSettings:
    """Return the settings of a dataset with a draw of five queries."""
    sample = HumanSampleSettings(queries=5, seed=1, path=path)
    return dataset_settings("demo").model_copy(update={"human_sample": sample})
