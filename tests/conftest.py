"""Fixtures that every kind of test may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from support import attacks, layout_table, promises
from support.collections import write_beir_folder
from support.kinds_of_tests import is_long
from support.promises import Promise, promise_table

# No test asserts a time, hypothesis included: machines are shared and slow at times.
settings.register_profile("evalkit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("evalkit")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the user's cache out of the tests, and the tests out of the user's cache."""
    os.environ["EVALKIT_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def beir_folder(tmp_path: Path) -> Path:
    """Return the tiny collection in BEIR's layout."""
    return write_beir_folder(tmp_path / "tiny")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Return the folder of real collections, or skip."""
    folder = os.environ.get("EVALKIT_TEST_DATA")
    if not folder:
        pytest.skip("EVALKIT_TEST_DATA is unset: no real collections")
    return Path(folder)


@pytest.fixture
def report_promise(record_property: Callable[[str, object], None]) -> Callable[[Promise], None]:
    """Return a function that adds a row to the table of promises at the end of the test run."""
    return lambda promise: record_property(promises.KEY, promise.cells())


@pytest.fixture
def check_layout(record_property: Callable[[str, object], None]) -> Callable[..., Any]:
    """Return a function that compares a model with its own recipe, for the table of layouts at the end."""
    from support.layout_checks import LayoutChecks  # imports all kinds of rerankers

    return LayoutChecks(record_property).check


@pytest.fixture
def check_refused(record_property: Callable[[str, object], None]) -> Callable[..., Any]:
    """Return a function that asserts that a model is refused, for the table of layouts at the end."""
    from support.layout_checks import LayoutChecks  # imports all kinds of rerankers

    return LayoutChecks(record_property).check_refused


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out modules that are long as a whole where no long test is asked for; importing them takes seconds."""
    asked = config.getoption("markexpr") == "not long"
    return True if asked and collection_path.suffix == ".py" and is_long(collection_path) else None


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whole modules as long."""
    for item in items:
        if is_long(item.path):
            item.add_marker(pytest.mark.long)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Record the attack that a test makes, for the table at the end of the test run."""
    if attack := attacks.attack_of(item):
        item.user_properties.append((attacks.KEY, attack))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables of promises, attacks and layouts, each if a test that ran has a row for it."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    found = [(name, value, report.outcome) for report in reports for name, value in report.user_properties]
    if rows := [cells for name, cells, _ in found if name == promises.KEY]:
        terminalreporter.section("claims and how often they hold")
        terminalreporter.write_line(promise_table(rows))
    if attempts := [(*attack, outcome) for name, attack, outcome in found if name == attacks.KEY]:
        terminalreporter.section("attacks and what survived them")
        terminalreporter.write_line(attacks.attack_table(attempts))
    if layouts := [cells for name, cells, _ in found if name == layout_table.KEY]:
        terminalreporter.section("layouts of local models, and whether they score as their makers document")
        terminalreporter.write_line(layout_table.layout_table(layouts))


@pytest.fixture(scope="module")
def settled_program() -> Iterator[None]:
    """Let this module's results be reused even if packages are installed while the tests run."""
    import evalkit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evalkit, "IMPORTED_NS", 2**62)
        yield


@pytest.fixture(scope="module")
def blank_plots() -> Iterator[None]:
    """Write empty pictures in this module's commands: drawing takes longer than all else that a small run does.

    For tests that look at scores, calls, messages or exit codes. Those of the report draw.
    """
    from evalkit.charts import figures

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "as_png_file", lambda _scene: b"")
        yield
