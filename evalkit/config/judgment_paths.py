"""The files of judgments and of the draw for people, where the configuration does not name them."""

from __future__ import annotations

from pathlib import Path

from evalkit.config.blocks import DatasetSettings
from evalkit.config.judgment_settings import THRESHOLD_ENDING, JudgmentSource
from evalkit.file_names import file_part, system_part

JUDGMENTS = "judgments"
"""Folder of these files, in the folder of the configuration."""


def judge_file(folder: Path, dataset: str, judge: str) -> Path:
    """Return the file that a judge's judgments of a dataset are written to.

    Parameters
    ----------
    folder
        Folder of the configuration.
    """
    return folder / JUDGMENTS / f"{system_part(dataset, judge)}.jsonl"


def threshold_file(folder: Path, dataset: str, judge: str) -> Path:
    """Return the file that a judge's grades of the sample by score are written to; see `judge_file`."""
    return folder / JUDGMENTS / f"{system_part(dataset, judge)}{THRESHOLD_ENDING}"


def human_sample_file(folder: Path, dataset: str) -> Path:
    """Return the file that the draw of a dataset is written to; see `judge_file`."""
    return folder / JUDGMENTS / f"{file_part(dataset)}.human_sample.json"


def with_judgment_paths(dataset: DatasetSettings, folder: Path) -> DatasetSettings:
    """Return settings that name all their files of judgments."""
    sources = tuple(_with_path(one, dataset.label, folder) for one in dataset.judgments)
    sample = dataset.human_sample
    if sample is not None and sample.path is None:
        sample = sample.model_copy(update={"path": human_sample_file(folder, dataset.label)})
    return dataset.model_copy(update={"judgments": sources, "human_sample": sample})


def _with_path(source: JudgmentSource, dataset: str, folder: Path) -> JudgmentSource:
    if source.path is not None or source.judge is None:
        return source
    return source.model_copy(update={"path": judge_file(folder, dataset, source.judge)})
