"""Progress bars: text on a terminal, a widget in a notebook, none elsewhere."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

from tqdm import tqdm


def progress_bar(*args: Any, **options: Any) -> tqdm[Any]:
    """Return a tqdm progress bar that fits where the process writes.

    In a notebook it is a widget, or text if ipywidgets is not installed. Elsewhere it is text on stderr, and nothing
    where stderr is not a terminal.

    Parameters
    ----------
    args, options
        As `tqdm.tqdm` takes them.
    """
    if not in_notebook():
        return tqdm(*args, **{"disable": None, **options})
    # tqdm.auto would choose the same, but warns where ipywidgets is missing, and its text bar needs a terminal.
    if importlib.util.find_spec("ipywidgets") is None:
        return tqdm(*args, **options)
    from tqdm.notebook import tqdm as widget

    return widget(*args, **options)


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook, without importing IPython."""
    if "ipykernel.zmqshell" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"
