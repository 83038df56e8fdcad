"""Files of a model's folder: written, and changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DROPPED: Any = ...
"""Given to `edit` in place of a value, it removes the key."""


def put(folder: Path, file: str, content: Any) -> None:
    """Write text as it is, and anything else as JSON; folders are made."""
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content, indent=1, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")


def edit(folder: Path, file: str, **changes: Any) -> None:
    """Set top-level keys of a JSON file; a key whose value is `...` is removed."""
    content = json.loads((folder / file).read_text(encoding="utf-8"))
    merged = {**content, **changes}
    put(folder, file, {key: value for key, value in merged.items() if value is not DROPPED})
