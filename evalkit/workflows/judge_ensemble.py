"""The judgments of an ensemble: combined from the files of its members, without a call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.config import Config, EnsembleSettings
from evalkit.errors import InputError
from evalkit.judges import open_judge
from evalkit.judges.ensemble import is_combined
from evalkit.judging.combined_grades import combine_judgments
from evalkit.judging.judged_pairs import last_judgments
from evalkit.records import Judgment
from evalkit.store import JudgmentFile
from evalkit.workflows.judging_input import JudgingInput
from evalkit.workflows.pairs_to_judge import JudgeOptions
from evalkit.workflows.pooled_dataset import PooledDataset


@dataclass(frozen=True, slots=True)
class CombinedDataset:
    """The judgments of an ensemble on one dataset, as the files of its members are now.

    Attributes
    ----------
    dataset
        Name of the dataset.
    file
        The ensemble's file.
    judgments
        One for each pair that a member judged.
    changed
        Those of them that the file does not have.
    """

    dataset: str
    file: JudgmentFile
    judgments: tuple[Judgment, ...]
    changed: tuple[Judgment, ...]

    @property
    def graded(self) -> int:
        """Pairs with a grade that the file has."""
        changed = {one.pair for one in self.changed}
        return sum(one.grade is not None and one.pair not in changed for one in self.judgments)

    @property
    def failed(self) -> int:
        """Pairs without a grade that the file has as such."""
        return len(self.judgments) - len(self.changed) - self.graded

    def write(self) -> None:
        """Have the file hold these judgments in place of earlier ones of the ensemble; others stay.

        Raises
        ------
        StorageError
            If the file cannot be written.
        """
        kept = {one.pair for one in self.judgments}
        earlier = [one for one in self.file.read() if is_combined(one.rater)]
        if self.changed or any(one.pair not in kept for one in earlier):
            self.file.replace(self.judgments, lambda one: is_combined(one.rater))


def combined_datasets(opened: JudgingInput, tag: str, options: JudgeOptions) -> Iterator[CombinedDataset]:
    """Yield the judgments of an ensemble on each dataset.

    Of each member those judgments count that it made as it is configured now, of the texts as they are now.

    Parameters
    ----------
    opened
        What is judged.
    tag
        The ensemble.
    options
        Which pairs are judged: those that the members have judged, without a choice.

    Raises
    ------
    InputError
        If the options choose, or no member has judged a dataset.
    """
    settings = opened.config.judges[tag]
    if not isinstance(settings, EnsembleSettings):
        raise TypeError(f"judge {tag!r} is no ensemble")
    if options != JudgeOptions(all_pairs=options.all_pairs):
        raise InputError(
            f"judges.{tag} combines all judgments of {', '.join(settings.judges)}; --sample, --for and"
            " --retry-failed do not apply",
            "use them with these judges, and leave them out here",
        )
    for pooled in opened.datasets:
        yield _combined(pooled, tag, settings, opened.config)


def _combined(pooled: PooledDataset, tag: str, settings: EnsembleSettings, config: Config) -> CombinedDataset:
    members = [_judgments_of(pooled, member, config) for member in settings.judges]
    if not any(members):
        raise InputError(
            f"{pooled.name}: no judge of judges.{tag} has judged a document",
            f"run first: evalkit judge run CONFIG --judge {settings.judges[0]}",
        )
    judgments = tuple(combine_judgments(members, settings))
    file = JudgmentFile(pooled.file_of(tag))
    earlier = {one.pair: one for one in file.read() if is_combined(one.rater)}
    changed = tuple(one for one in judgments if earlier.get(one.pair) != one)
    return CombinedDataset(pooled.name, file, judgments, changed)


def _judgments_of(pooled: PooledDataset, tag: str, config: Config) -> list[Judgment]:
    """Return the judgments that a member gave as it is configured now: the last one of each pair."""
    judge = open_judge(config.judges[tag])
    known = judge.known_rater
    judge.close()
    found = [one for one in JudgmentFile(pooled.file_of(tag)).read() if one.rater.is_as_configured(known)]
    return list(last_judgments(found, pooled.query_sha256, pooled.doc_sha256)[0].values())
