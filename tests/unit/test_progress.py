"""Progress bars: where one is shown, and of which kind."""

from __future__ import annotations

import io
import sys
import warnings
from types import ModuleType, SimpleNamespace

import pytest
from tqdm import TqdmWarning, tqdm
from tqdm.notebook import tqdm_notebook

from evalkit import progress
from evalkit.progress import import_tqdm_quietly, in_notebook, progress_bar


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def pretend_kernel(monkeypatch: pytest.MonkeyPatch, shell_class: str) -> None:
    """Make this process look like one in which IPython runs a shell of that class."""
    shell = type(shell_class, (), {})()
    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", ModuleType("ipykernel.zmqshell"))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))  # type: ignore[arg-type]


@pytest.mark.parametrize(("stream", "shown"), [(io.StringIO(), False), (Terminal(), True)])
def test_without_a_notebook_a_bar_needs_a_terminal(stream: io.StringIO, shown: bool) -> None:
    """A file or a pipe gets no bar."""
    with progress_bar(total=1, file=stream) as bar:
        bar.update()
    assert bool(stream.getvalue()) is shown


def test_a_notebook_without_widgets_shows_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stderr is no terminal, but shows text; nothing warns about the missing package."""
    pretend_kernel(monkeypatch, "ZMQInteractiveShell")
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda _: None)
    stream = io.StringIO()
    with progress_bar(total=1, desc="asking", file=stream) as bar:
        bar.update()
    assert type(bar) is tqdm
    assert "asking" in stream.getvalue()


def test_a_notebook_with_widgets_gets_a_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the iterable and the options."""
    pretend_kernel(monkeypatch, "ZMQInteractiveShell")
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda _: object())
    assert isinstance(progress_bar([1, 2], desc="asking", disable=True), tqdm_notebook)


@pytest.mark.parametrize("widgets", [True, False])
def test_a_library_that_imports_tqdm_later_does_not_warn(
    monkeypatch: pytest.MonkeyPatch, widgets: bool
) -> None:
    """In a notebook without widgets the module is imported before, and its warning ignored; else it is left alone."""
    imported = []

    def warn(name: str) -> None:
        imported.append(name)
        warnings.warn("IProgress not found", TqdmWarning, stacklevel=1)

    pretend_kernel(monkeypatch, "ZMQInteractiveShell")
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda _: object() if widgets else None)
    monkeypatch.setattr(progress.importlib, "import_module", warn)
    import_tqdm_quietly()
    assert imported == ([] if widgets else ["tqdm.auto"])


@pytest.mark.parametrize(
    ("shell", "expected"), [("ZMQInteractiveShell", True), ("TerminalInteractiveShell", False)]
)
def test_only_the_kernel_of_a_notebook_counts(
    monkeypatch: pytest.MonkeyPatch, shell: str, expected: bool
) -> None:
    """IPython in a terminal shows the bars of a terminal."""
    assert not in_notebook()
    pretend_kernel(monkeypatch, shell)
    assert in_notebook() is expected
