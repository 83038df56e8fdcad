"""The log of a run: its lines, and how it ends."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import StorageError
from evalkit.experiment.event_log import logged_to


def events(path: Path) -> list[dict[str, str]]:
    """Return the lines of a log."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_every_record_is_a_line_with_its_time_level_and_logger(tmp_path: Path) -> None:
    """What any part of evalkit logs within the block, from the level of information on."""
    file = tmp_path / "log.jsonl"
    with logged_to(file) as logger:
        logger.debug("not this")
        logger.info("%s pass on %s", "quality", "tiny")
        logging.getLogger("evalkit.deep.below").warning("a warning")
        logging.getLogger("other").error("not ours")
    first, second = events(file)
    assert (first["level"], first["logger"], first["message"]) == ("info", "evalkit", "quality pass on tiny")
    assert (second["level"], second["logger"]) == ("warning", "evalkit.deep.below")
    assert datetime.fromisoformat(first["time"]).utcoffset() is not None
    assert set(first) == {"time", "level", "logger", "message"}


@given(message=st.text(st.characters(codec="utf-8")))
def test_any_message_is_one_line(tmp_path_factory: pytest.TempPathFactory, message: str) -> None:
    """Line ends, quotes and any script inside a message break nothing."""
    file = tmp_path_factory.mktemp("log") / "log.jsonl"
    with logged_to(file) as logger:
        logger.info("%s", message)
        logger.info("next")
    assert [event["message"] for event in events(file)] == [message, "next"]


@pytest.mark.parametrize("stop", [ValueError("no"), KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_what_ends_a_run_is_its_last_line(tmp_path: Path, stop: BaseException) -> None:
    """The line has the traceback, and the caller gets the exception."""
    file = tmp_path / "log.jsonl"
    with pytest.raises(type(stop)), logged_to(file):
        raise stop
    (event,) = events(file)
    assert (event["level"], event["message"]) == ("error", f"stopped: {type(stop).__name__}")
    assert event["traceback"].startswith("Traceback")


def test_a_log_is_appended_to(tmp_path: Path) -> None:
    """A run that is resumed adds to what the first session wrote."""
    file = tmp_path / "log.jsonl"
    for session in ("first", "second"):
        with logged_to(file) as logger:
            logger.info(session)
    assert [event["message"] for event in events(file)] == ["first", "second"]


def test_afterwards_the_logger_is_as_before(tmp_path: Path) -> None:
    """Level and handlers, after a failure, too; what is logged later is in no file."""
    logger = logging.getLogger("evalkit")
    before = logger.level, list(logger.handlers)
    with pytest.raises(ValueError, match="no"), logged_to(tmp_path / "log.jsonl"):
        raise ValueError("no")
    assert (logger.level, list(logger.handlers)) == before
    logger.error("later")
    assert len(events(tmp_path / "log.jsonl")) == 1


def test_nothing_logged_is_no_file(tmp_path: Path) -> None:
    """The file is made by the first line."""
    with logged_to(tmp_path / "log.jsonl"):
        pass
    assert not (tmp_path / "log.jsonl").exists()


def test_a_line_that_cannot_be_written_stops_the_run() -> None:
    """The next thing to be written is a result: a full disk is reported at once."""
    with (
        pytest.raises(StorageError, match=r"cannot write /dev/full: .*No space left"),
        logged_to(Path("/dev/full")) as logger,
    ):
        logger.info("a line")


def test_a_wrong_format_is_a_bug_and_not_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that cannot be formatted is left to logging's own rule: it stops nothing."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    with logged_to(tmp_path / "log.jsonl") as logger:
        logger.info("%d", "no number")
        logger.info("next")
    assert [event["message"] for event in events(tmp_path / "log.jsonl")] == ["next"]
