"""Progress bars: text on a terminal, a widget in a notebook, none elsewhere."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from typing import Any

from tqdm import tqdm

from evalkit.errors import printable


def progress_bar(*args: Any, **options: Any) -> tqdm[Any]:
    """Return a tqdm progress bar that fits where the process writes.

    In a notebook it is a widget, or text if ipywidgets is not installed. Elsewhere it is text on stderr, and nothing
    where stderr is not a terminal.

    Parameters
    ----------
    args, options
        As `tqdm.tqdm` takes them.
    """
    if options.get("desc"):
        options["desc"] = printable(options["desc"])
    if not in_notebook():
        return tqdm(*args, **{"disable": None, **options})
    # tqdm.auto would choose the same, but warns where ipywidgets is missing, and its text bar needs a terminal.
    if not _has_widgets():
        return tqdm(*args, **options)
    from tqdm.notebook import tqdm as widget

    return widget(*args, **options)


def import_tqdm_quietly() -> None:
    """Import what other libraries import, and what warns at that moment in a notebook without ipywidgets."""
    if in_notebook() and not _has_widgets():
        with warnings.catch_warnings(action="ignore"):
            importlib.import_module("tqdm.auto")


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook, without importing IPython."""
    if "ipykernel.zmqshell" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


def _has_widgets() -> bool:
    return importlib.util.find_spec("ipywidgets") is not None
