"""Rules on the names of datasets and systems: readable, told apart by people and by files."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence

from evalkit.config.blocks import DatasetSettings, RetrieverSettings
from evalkit.config.settings import Settings
from evalkit.config.source import Path, Problem
from evalkit.file_names import UTF_8, can_be_written, file_part, same_looking

_UNREADABLE = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories: control characters, halves of surrogate pairs, line separators."""
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction in which the text around them is shown."""
_SET_NAME = "set 'name:', such as name: docs"


def dataset_name_problems(datasets: Sequence[Settings | None]) -> Iterator[Problem]:
    """Yield a problem for each dataset whose name cannot be shown, or is that of an earlier one to people or files."""
    seen: list[str] = []
    for index, dataset in enumerate(datasets):
        if not isinstance(dataset, DatasetSettings):
            continue
        name, path = dataset.label, ("datasets", index)
        if not same_looking(name):
            yield Problem(path, f"the dataset has no name: {name!r}", _SET_NAME)
        elif unreadable := [
            char for char in name if unicodedata.category(char) in _UNREADABLE or char in _TURNS
        ]:
            what = ", ".join(sorted(map(ascii, set(unreadable))))
            yield Problem(path, f"the name {name!a} of the dataset contains {what}", _SET_NAME)
        elif not can_be_written(file_part(name)):
            yield Problem(
                path, f"file names cannot contain {name!a} in this locale", f"{_SET_NAME}; or {UTF_8}"
            )
        else:
            yield from _clash(path, name, seen)
        seen.append(name)


def _clash(path: Path, name: str, seen: Collection[str]) -> Iterator[Problem]:
    hint = "set another 'name:' for one of them"
    if name in seen:
        yield Problem(path, f"two datasets have the name {name!r}", hint)
        return
    for other in seen:
        if same_looking(other) == same_looking(name):
            message = f"the names of two datasets look the same: {other!a} and {name!a}"
        elif file_part(other) == file_part(name):
            message = f"the datasets {other!r} and {name!r} would have the same files: {file_part(name)}"
        else:
            continue
        yield Problem(path, message, hint)
        return


def tag_problems(
    retriever: RetrieverSettings | None, rerankers: Mapping[str, object], run_tags: Collection[str]
) -> Iterator[Problem]:
    """Yield a problem for each tag of a reranker or run whose files another system has.

    Equal tags of a run and another system are a problem of `check_runs`.
    """
    if retriever is not None and retriever.label in rerankers:
        yield Problem(
            ("rerankers", retriever.label),
            f"the tag {retriever.label!r} is already the tag of the retriever",
            "rename this reranker",
        )
    taken = {} if retriever is None else {file_part(retriever.label, dots=True): retriever.label}
    for kind, tags in (("rerankers", rerankers), ("runs", run_tags)):
        for tag in map(str, tags):
            other = taken.setdefault(part := file_part(tag, dots=True), tag)
            if other != tag:
                message = f"{other!r} and {tag!r} would have the same files: {part}"
                yield Problem((kind, tag), message, "rename one of them")
