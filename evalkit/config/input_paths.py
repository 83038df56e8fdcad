"""Find the files that a configuration names: from the working directory, else from the configuration's folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal, get_args, get_origin

from evalkit.config.settings import Settings
from evalkit.config.source import Path, Problem
from evalkit.errors import InputError, tell

Expected = Literal["file", "folder", "file or folder", "model"]
_HINT = "check the path; it starts in the working directory or in the folder of the configuration"


@dataclass(frozen=True, slots=True)
class Input:
    """Marks a key of a Settings class as the path of something that is read.

    Attributes
    ----------
    expected
        What the path must lead to. A ``model`` is a folder, or a name that is no path.
    may_be_missing
        Whether the file may be written later; it is expected in the folder of the configuration.
    """

    expected: Expected
    may_be_missing: bool = False


InputFile = Annotated[FilePath, Input("file")]
"""The type of a key that names a file to read; plugins use it, too. `InputPath` may be a folder."""
InputPath = Annotated[FilePath, Input("file or folder")]
ModelName = Annotated[str, Input("model")]
"""The type of a key that names a model: the name in a hub, or a local folder."""
LaterFile = Annotated[FilePath, Input("file", may_be_missing=True)]
"""The type of a key that names a file which may not exist yet."""
PluginFile = Annotated[str, Input("file")]


@dataclass(frozen=True, slots=True)
class SearchedFolders:
    """Where the inputs of a configuration are looked for.

    Attributes
    ----------
    config
        The folder of the configuration file; None if it comes from elsewhere: only the working directory is searched.
    required
        Whether an input that does not exist is a problem.
    may_be_missing
        Whether the input is a file that evalkit writes to the folder of the configuration.
    """

    config: FilePath | None = None
    required: bool = False
    may_be_missing: bool = False


WORKING_DIRECTORY = SearchedFolders()


def resolve_inputs(
    settings: type[Settings], block: Any, folders: SearchedFolders, path: Path = ()
) -> Iterator[Problem]:
    """Replace the inputs in a block by paths that hold in the working directory; yield those that cannot be read.

    Parameters
    ----------
    settings
        The Settings class of the block: its fields tell which keys are inputs.
    block
        The block, which is changed in place.
    folders
        Where inputs are looked for.
    path
        Path of the block in the configuration.
    """
    for key, field in settings.model_fields.items() if isinstance(block, dict) else ():
        if key in block:
            annotation = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
            yield from _resolve(annotation, block, key, folders, (*path, key))


def _resolve(
    annotation: Any, holder: Any, key: Any, folders: SearchedFolders, path: Path
) -> Iterator[Problem]:
    """Resolve the inputs in ``holder[key]``, whose type is `annotation`."""
    value = holder[key]
    marker = next((part for part in get_args(annotation) if isinstance(part, Input)), None)
    if marker is not None and isinstance(value, str):
        try:
            searched = replace(folders, may_be_missing=True) if marker.may_be_missing else folders
            holder[key] = find_input(value, marker.expected, searched)
        except InputError as error:
            yield Problem(path, error.message, error.hint)
    elif isinstance(annotation, type) and issubclass(annotation, Settings):
        yield from resolve_inputs(annotation, value, folders, path)
    elif isinstance(value, list) and get_origin(annotation) is tuple:
        for index in range(len(value)):
            yield from _resolve(get_args(annotation)[0], value, index, folders, (*path, index))
    elif isinstance(value, dict) and get_origin(annotation) is dict:
        for inner in value:
            yield from _resolve(get_args(annotation)[1], value, inner, folders, (*path, inner))
    else:
        for member in get_args(annotation):
            yield from _resolve(member, holder, key, folders, path)


def find_input(text: str, expected: Expected, folders: SearchedFolders) -> str:
    """Return the path of an input from the working directory.

    A path that begins with ``./`` is that of the working directory where there is one. A file that may be missing is in
    the folder of the configuration, unless its path begins with ``./``.

    Raises
    ------
    InputError
        If an input is required that does not exist, cannot be read or is of another kind, or if the working directory
        and the folder of the configuration have different files of that name.
    """
    here = FilePath(text)
    there = here if folders.config is None else folders.config / here
    if folders.may_be_missing:
        return _later(text, here, there, expected, folders)
    exist = [path for path in (here, there) if os.path.exists(path)]  # noqa: PTH110 - false where forbidden
    if len(exist) == 2 and not text.startswith(("./", ".\\")) and not here.samefile(there):
        raise InputError(
            f"{text!r} is ambiguous: {here.absolute()} and {there.absolute()} exist",
            f"write the absolute path, or ./{text} for the one in the working directory",
        )
    if exist:
        _check_kind(exist[0], expected, folders)
        return text if exist[0] is here else str(there)
    if folders.required and (expected != "model" or is_path(text)):
        tried = dict.fromkeys(str(path.absolute()) for path in (here, there))
        what = "folder" if expected == "model" else expected
        raise InputError(f"{what} not found: {' or '.join(tried)}", _HINT)
    return text


def _later(text: str, here: FilePath, there: FilePath, expected: Expected, folders: SearchedFolders) -> str:
    """Return the path of a file that evalkit writes: in the folder of the configuration, wherever evalkit is started.

    So a file of another project in the working directory does not get what belongs to this configuration.
    """
    chosen = here if text.startswith(("./", ".\\")) else there
    if os.path.exists(chosen):  # noqa: PTH110 - false where forbidden
        _check_kind(chosen, expected, folders)
    if chosen is not here and here.is_file() and not (chosen.is_file() and here.samefile(chosen)):
        tell(
            f"{text!r} is {chosen.absolute()}, in the folder of the configuration, and not {here.absolute()}, for which"
            f" you write ./{text}"
        )
    return text if chosen is here else str(there)


def is_path(model: str) -> bool:
    """Return whether the name of a model is clearly a path, and no name in a hub."""
    return model.startswith(("./", "../", "/", "~"))


def _check_kind(found: FilePath, expected: Expected, folders: SearchedFolders) -> None:
    if not folders.required:
        return
    if expected == "file" and found.is_dir():
        raise InputError(f"{found.absolute()} is a folder", "use the path of a file")
    if not os.access(found, os.R_OK):
        raise InputError(f"{found.absolute()} cannot be read: permission denied", "change its permissions")
