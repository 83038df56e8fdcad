"""Parts of the derived files that need not be made again though others do: those of results with the same scores."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import InputError
from evalkit.files import replacing_folder, write_file
from evalkit.results import ResultFolder
from evalkit.results.derivation_keys import DerivationKeys
from evalkit.results.derived_record import DerivedRecord, derived_hashes, neighbours, read_record

if TYPE_CHECKING:
    from evalkit.charts.scene import Scene
    from evalkit.results.comparison_document import Comparisons
    from evalkit.results.tuning_document import Tuning


@dataclass(frozen=True, slots=True, eq=False)
class EarlierQuality:
    """What was derived from the same scores, in the same folder or in another one of the same parent.

    Attributes
    ----------
    compared, explored
        The comparisons, and the data of the query explorer.
    tuned
        Depths, which depend on latencies; thresholds and calibrations, which hold if they are made at the same depths.
    source, record
        The result, and the record of its derived files.
    """

    compared: Comparisons
    tuned: Tuning
    explored: Mapping[str, Any] | None
    source: ResultFolder
    record: DerivedRecord

    def put_runs(self, folder: ResultFolder) -> bool:
        """Put the runs and the values in their places; return False if they must be written, as they were changed.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        wanted = _runs_and_values(folder, self.record.files)
        runs = [name for name in wanted if "/" in name]
        if not runs:
            return False
        if self.source is folder:
            return _runs_and_values(folder, derived_hashes(folder)) == wanted
        try:
            values = self.record.read(self.source, folder.values_file.name)
            with replacing_folder(folder.runs_folder, inside=folder.path) as new:
                for name in runs:
                    write_file(new / Path(name).name, self.record.read(self.source, name), inside=new)
        except InputError:
            return False
        write_file(folder.values_file, values, inside=folder.path)
        return True


def find_quality(folder: ResultFolder, keys: DerivationKeys | None) -> EarlierQuality | None:
    """Return what was derived from the same scores; None if there is nothing, or its files were changed."""
    for source, record in _records(folder, keys):
        if keys is not None and record.keys.quality == keys.quality:
            with suppress(InputError):
                for file in (source.comparisons_file, source.tuning_file):
                    record.read(source, file.name)
                explored = record.read_explorer(source)
                return EarlierQuality(
                    source.read_comparisons(), source.read_tuning(), explored, source, record
                )
    return None


@dataclass(slots=True)
class EarlierPictures:
    """PNG files that were drawn before, in the same folder or in another one of the same parent.

    Attributes
    ----------
    sources
        Results whose pictures the same program drew, with their records.
    keys
        Path in a result folder -> key of what is drawn, of each picture that was asked for.
    """

    sources: list[tuple[ResultFolder, DerivedRecord]]
    keys: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: ResultFolder, keys: DerivationKeys | None) -> EarlierPictures:
        """Return the pictures that can be used for a result."""
        found = _records(folder, keys)
        return cls([one for one in found if keys is not None and one[1].keys.program == keys.program])

    def find(self, file: str, scene: Scene) -> bytes | None:
        """Return the picture of the same scene under the same name; None if there is none, or it was changed."""
        name = f"plots/{file}"
        key = hashlib.sha256(repr(scene).encode("utf-8", "surrogatepass")).hexdigest()
        self.keys[name] = key
        for source, record in self.sources:
            if record.pictures.get(name) == key:
                with suppress(InputError):
                    return record.read(source, name)
        return None


def _records(
    folder: ResultFolder, keys: DerivationKeys | None
) -> Iterator[tuple[ResultFolder, DerivedRecord]]:
    """Yield the results that something can be taken from; none where it is unknown what computes the figures."""
    for source in () if keys is None else (folder, *neighbours(folder)):
        record = read_record(source)
        if record is not None:
            yield source, record


def _runs_and_values(folder: ResultFolder, files: Mapping[str, str]) -> dict[str, str]:
    runs = f"{folder.runs_folder.name}/"
    return {
        name: digest
        for name, digest in files.items()
        if name.startswith(runs) or name == folder.values_file.name
    }
