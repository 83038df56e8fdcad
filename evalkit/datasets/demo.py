"""The source of the bundled demo collection: the help centre of a fictional hosting platform."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from evalkit.config import DatasetSettings
from evalkit.datasets.assemble import Parts
from evalkit.datasets.beir_folder import read_folder

FOLDER = Path(__file__).parent / "demo_data"


class Demo:
    """The bundled demo dataset: a technical help centre, judged manually; needs no network."""

    class Settings(DatasetSettings):
        """Settings of the `demo` dataset. All its query-document pairs were judged."""

        source: Literal["demo"] = "demo"
        unjudged: Literal["unknown", "not_relevant"] = "not_relevant"

        repeats_exactly: ClassVar[bool] = True

    @staticmethod
    def read(_settings: Settings) -> Parts:
        """Read the collection that ships with evalkit."""
        return replace(read_folder(FOLDER, "test"), location="bundled with evalkit", licence="Apache-2.0")
