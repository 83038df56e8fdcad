"""Which modules of tests are long as a whole, so that ``make test`` does not even import them."""

from __future__ import annotations

from pathlib import Path

LONG_FOLDERS = frozenset(
    {"calibration", "chaos", "integration", "layouts", "oracle", "property", "unit/workflows"}
)
"""Folders whose tests are long: they run whole commands and results, or compute from many inputs in two ways."""
QUICK_MODULES = frozenset(
    {
        "test_command_line",
        "test_compare",
        "test_configs",
        "test_evaluate",
        "test_gate",
        "test_init",
        "test_report_page",
        "test_run",
    }
)
"""Modules in ``integration/`` that are not: they run the commands of the README."""
_TESTS = Path(__file__).parent.parent


def is_long(file: Path) -> bool:
    """Return whether all tests of a module are long."""
    if not file.is_relative_to(_TESTS):
        return False
    folder = file.parent.relative_to(_TESTS).as_posix()
    return folder in LONG_FOLDERS and not (folder == "integration" and file.stem in QUICK_MODULES)
