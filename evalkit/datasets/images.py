"""Recognise tables whose documents are images, which evalkit does not rank."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import DataFormatError

IMAGES = ("image", "images", "page_image", "image_base64")


def refuse_images(row: Mapping[str, Any], where: str, setting: str) -> None:
    """Check that the documents of a table without a column of texts are not images.

    Raises
    ------
    DataFormatError
        If the row has a column of images; the hint names the setting for a column with texts.
    """
    found = next((column for column in IMAGES if column in row), None)
    if found is not None:
        raise DataFormatError(
            f"{where}: the documents are images (column {found!r}), and evalkit ranks texts; the columns:"
            f" {', '.join(map(str, row))}",
            f"name a column with the texts of the images with {setting}, or choose another dataset",
        )
