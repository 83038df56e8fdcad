"""A saved baseline: the folder, its manifest and its values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from evalkit.comparison.comparison_set import rests_on_synthetic
from evalkit.comparison.corrected_sides import SavedSide
from evalkit.comparison.correction import Draw
from evalkit.errors import InputError, StorageError
from evalkit.file_names import slug
from evalkit.files import make_folder, replacing_folder, write_file
from evalkit.records import JudgedBy, MetricValues, known_judged_by
from evalkit.results.corrected_table import Found, read_corrected, write_corrected
from evalkit.results.folder import ResultFolder
from evalkit.results.json_shapes import from_plain, read_json, to_json, to_plain
from evalkit.results.run_facts import RunFacts
from evalkit.results.values_table import CellValues, read_values, write_values

BASELINES = Path("results") / "baselines"
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?")
_REMEDY = "save the baseline again from its result"
_KEPT = ("command", "started", "versions", "git", "machine", "datasets", "rerankers", "runs", "endpoints")
"""Parts of the result's manifest that a baseline keeps."""


@dataclass(frozen=True, slots=True)
class SavedDraw:
    """What identifies the draw and the grades that a dataset's values are corrected with.

    Attributes
    ----------
    dataset
        Name of the dataset.
    judge, digest, declared, enlarged
        See `Draw`; its queries are those of the values.
    """

    dataset: str
    judge: str
    digest: str
    declared: bool = False
    enlarged: int = 0


@dataclass(frozen=True, slots=True)
class BaselineManifest:
    """The content of a baseline's ``manifest.json``.

    Attributes
    ----------
    saved_from
        Name of the result folder.
    prints
        Dataset -> ``judgments``, ``candidates``, ``depth``, ``below_depth`` or ``tokenizer`` -> hash, or the value as
        text. Earlier versions wrote no ``below_depth``: they dropped candidates below the depth.
    rounds
        Dataset, reranker, batch size, calls in flight, and for each round the natural logarithm of the median seconds.
    calls
        Dataset, reranker, calls, failed calls.
    of
        Parts of the result's manifest, for the record.
    rankings
        Dataset, reranker, and the hashes of the rankings, one after the other in the order of the queries in
        ``values.parquet``; empty in baselines of earlier versions.
    runs
        Dataset and tag of the compared runs.
    withheld
        Dataset, reranker, batch size, calls in flight, and why their latencies are withheld; empty in baselines of
        earlier versions.
    draws
        The draws whose values are in ``corrected.parquet``; empty in baselines of earlier versions.
    """

    VERSION: ClassVar[int] = 1

    name: str
    saved_from: str
    first_stage: str
    prints: Mapping[str, Mapping[str, str]]
    rounds: tuple[tuple[str, str, int, int, tuple[tuple[int, float], ...]], ...]
    calls: tuple[tuple[str, str, int, int], ...]
    of: Mapping[str, Any]
    rankings: tuple[tuple[str, str, str], ...] = ()
    runs: tuple[tuple[str, str], ...] = ()
    withheld: tuple[tuple[str, str, int, int, str], ...] = ()
    draws: tuple[SavedDraw, ...] = ()

    @property
    def judged_by(self) -> dict[str, JudgedBy]:
        """Dataset -> whose grades its judgments are; earlier versions did not record it, so they count as people's."""
        return {name: known_judged_by(facts.get("judged_by")) for name, facts in self._datasets}

    @property
    def synthetic(self) -> frozenset[str]:
        """Datasets whose queries a model wrote, so that too few are left for a verdict."""
        counts = {name: facts.get("counts") or {} for name, facts in self._datasets}
        return frozenset(
            name
            for name, of_dataset in counts.items()
            if rests_on_synthetic(of_dataset.get("queries", 0), of_dataset.get("synthetic_queries", 0))
        )

    @property
    def _datasets(self) -> list[tuple[str, Mapping[str, Any]]]:
        recorded = self.of.get("datasets") or ()
        return [
            (facts["name"], facts) for facts in recorded if isinstance(facts, Mapping) and "name" in facts
        ]


def facts_to_keep(result: ResultFolder) -> dict[str, Any]:
    """Return the parts of a result's manifest that a baseline keeps."""
    manifest = to_plain(result.read_manifest())
    return {key: manifest[key] for key in _KEPT}


class BaselineFolder:
    """A baseline on disk; `is_one` is False if the folder does not exist or is something else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest_file = path / "manifest.json"
        self.summary_file = path / "summary.json"
        self.values_file = path / "values.parquet"
        self.corrected_file = path / "corrected.parquet"

    @classmethod
    def at(cls, parent: Path, name: str) -> BaselineFolder:
        """Return the folder of a baseline's name.

        Raises
        ------
        InputError
            If the name is taken by something else, or cannot be a folder's name.
        """
        if not _NAME.fullmatch(name):
            raise InputError(
                f"{name!r} is not a valid folder name",
                f"use letters, digits, dots, dashes: {slug(name).strip('._-') or 'main'}",
            )
        folder = cls(parent / name)
        if folder.path.exists() and not folder.is_one:
            raise InputError(f"{folder.path.resolve()} exists and is not a baseline", "choose another name")
        if folder.path.exists() and name not in {
            path.name for path in parent.iterdir()
        }:  # on systems that fold case
            raise InputError(
                f"{folder.path.resolve()} is a baseline with another spelling", "choose another name"
            )
        return folder

    @property
    def is_one(self) -> bool:
        """Whether the folder is a baseline."""
        file = self.manifest_file
        return file.is_file() and isinstance(about := read_json(file), dict) and "baseline" in about

    def write(
        self,
        manifest: BaselineManifest,
        result: ResultFolder,
        values: Iterable[CellValues],
        corrected: Mapping[tuple[str, str], SavedSide] = MappingProxyType({}),
    ) -> None:
        """Write the baseline of a result; it takes the place of an existing baseline in one step.

        Parameters
        ----------
        manifest, result
            Its manifest, and the result that it is saved from.
        values
            The values of all systems.
        corrected
            (dataset, reranker) -> values under grades of people, and under those of a judge.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        content = to_json({"baseline": manifest.VERSION, **to_plain(manifest)})
        try:
            make_folder(self.path.parent)
            with replacing_folder(self.path, inside=self.path.parent) as path:
                part = BaselineFolder(path)
                write_file(part.manifest_file, content, inside=path)
                write_file(part.summary_file, result.summary_file.read_bytes(), inside=path)
                write_values(part.values_file, values, inside=path)
                if corrected:
                    write_corrected(part.corrected_file, corrected, inside=path)
        except OSError as error:
            raise StorageError(f"cannot write {self.path.resolve()}: {error}") from None

    def read_manifest(self) -> BaselineManifest:
        """Read the manifest.

        Raises
        ------
        InputError
            If it is damaged or of another version.
        """
        data = read_json(self.manifest_file)
        version = data.pop("baseline")
        if version != BaselineManifest.VERSION:
            raise InputError(
                f"{self.path.resolve()} has the schema version {version!r}; this version of evalkit"
                f" reads {BaselineManifest.VERSION}",
                _REMEDY,
            )
        return from_plain(BaselineManifest, data, self.manifest_file, _REMEDY)

    def read_runs(self, manifest: BaselineManifest) -> tuple[RunFacts, ...]:
        """Return the compared runs of the result; none in a baseline that was saved before there were runs.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        return from_plain(tuple[RunFacts, ...], manifest.of.get("runs", []), self.manifest_file, _REMEDY)

    def read_values(self) -> dict[tuple[str, str], MetricValues]:
        """Return (dataset, reranker) -> values at the deepest depth."""
        return {(one.dataset, one.reranker): one.values for one in read_values(self.values_file)}

    def read_corrected(self, manifest: BaselineManifest) -> dict[tuple[str, str], SavedSide]:
        """Return (dataset, reranker) -> its values under grades of people and of a judge; none without a draw.

        Raises
        ------
        InputError
            If the file is missing or damaged.
        """
        draws = {one.dataset: one for one in manifest.draws}
        if not draws:
            return {}
        return {
            (dataset, tag): self._side(draws.get(dataset), found)
            for (dataset, tag), found in read_corrected(self.corrected_file)
        }

    def _side(self, of: SavedDraw | None, found: Found) -> SavedSide:
        query_ids = {ids for ids, _ in found.values()}
        sizes = {len(values.human) for _, values in found.values()}
        if of is None or len(query_ids) != 1 or len(sizes) != 1 or 0 in sizes:
            raise InputError(f"{self.corrected_file.resolve()} is damaged: not all values of a draw", _REMEDY)
        (ids,), (drawn,) = query_ids, sizes
        draw = Draw(of.judge, ids[:drawn], ids[drawn:], of.digest, of.enlarged, of.declared)
        return SavedSide(draw, {metric: values for metric, (_, values) in found.items()})
