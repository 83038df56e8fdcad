"""File names made of the names of datasets and systems: readable, lower-case, and different for different names.

A file name is a function of the name alone, so a further dataset never moves the file of another one. A lower-case
slug is its own file name. Any other name becomes its letters and digits, of any script, with a part of its hash:
``День`` becomes ``день-`` and eight hexadecimal digits. So names that differ only in case, in characters that a file
name cannot hold, or in their Unicode form have different files, also on file systems that ignore case.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from pathlib import Path

_PLAIN = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")
_PLAIN_WITH_DOTS = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?")
_RESERVED = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")
"""Names of devices on Windows, where no file can have them, whatever its ending."""
UTF_8 = "use a UTF-8 locale: set LC_ALL=C.UTF-8, or PYTHONUTF8=1"
"""What to do where a name cannot be written."""
_LONGEST = 80
"""Most bytes of a name that is its own file name; a longer one is cut. File names may have 255 bytes."""
_READABLE = 60
"""Most bytes of the readable part before a hash."""


def file_part(name: str, *, dots: bool = False) -> str:
    """Return the part of a file name that stands for a name.

    Parameters
    ----------
    name
        Name of a dataset or a system.
    dots
        Whether dots may stay, as in ``bge-v1.5``: only where what precedes and follows has none, so that the parts of
        the file name remain clear.
    """
    plain = _PLAIN_WITH_DOTS if dots else _PLAIN
    if plain.fullmatch(name) and len(name) <= _LONGEST and not _RESERVED.fullmatch(name):
        return name
    hashed = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_readable(name) or 'unnamed'}-{hashed}"


def system_part(dataset: str, tag: str) -> str:
    """Return the part of a file name that stands for a system on a dataset: ``<dataset>.<tag>``.

    The dataset has no dot, so ``x`` with ``y.z`` and ``x.y`` with ``z`` differ, if an ending without a dot follows.
    """
    return f"{file_part(dataset)}.{file_part(tag, dots=True)}"


def slug(text: str) -> str:
    """Return text with dashes for all that is unsafe in file names; different texts may give the same one."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-") or "unnamed"


def same_looking(name: str) -> str:
    """Return a name without what a reader cannot see: Unicode forms, invisible characters, widths of spaces."""
    seen = (char for char in unicodedata.normalize("NFKC", name) if unicodedata.category(char) != "Cf")
    return " ".join("".join(seen).split())


def can_be_written(part: str) -> bool:
    """Return whether file names can hold a text in the locale of this process; in a UTF-8 locale they can."""
    try:
        os.fsencode(part)
    except UnicodeEncodeError:
        return False
    return True


def found_file(path: Path) -> Path:
    """Return the path of a file, or of one whose name is the same text in another Unicode form.

    Some file systems and archives decompose letters.
    """
    if path.name.isascii() or path.is_file() or not path.parent.is_dir():
        return path
    names = {unicodedata.normalize("NFC", entry.name): entry for entry in path.parent.iterdir()}
    return names.get(path.name, path)


def _readable(name: str) -> str:
    """Return the letters, marks and digits of a name in lower case; everything else is replaced by dashes."""
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).lower())
    kept = (char if char == "_" or unicodedata.category(char)[0] in "LMN" else "-" for char in text)
    words = re.sub("-+", "-", "".join(kept)).strip("-")
    return words.encode()[:_READABLE].decode(errors="ignore").strip("-")
