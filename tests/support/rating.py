"""Pairs to rate, a session on them with a clock that is set, and a running ``evalkit judge rate``."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from evalkit.config.judge_settings import DEFAULT_SCALE
from evalkit.records import Judgment
from evalkit.store import JudgmentFile
from evalkit.web.active_order import ComparedSystems
from evalkit.web.rating_session import Click, RatingRules, RatingSession
from evalkit.web.rating_task import RatingTask
from support.command import start_evalkit


def tasks(queries: int = 3, documents: int = 4, sampled: int = 0, dataset: str = "d") -> list[RatingTask]:
    """Return pairs; the last `sampled` queries are of the human sample."""
    return [
        RatingTask(
            dataset,
            f"q{q}",
            f"d{d}",
            f"query {q}",
            f"document {d} of query {q}",
            sampled=q >= queries - sampled,
        )
        for q in range(queries)
        for d in range(documents)
    ]


@dataclass
class Rated:
    """A session in a folder, and what its raters do."""

    folder: Path
    pairs: list[RatingTask]
    overlap: float = 0.0
    compared: dict[str, ComparedSystems] | None = None
    now: datetime = datetime(2026, 12, 1, 9, tzinfo=UTC)
    session: RatingSession = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    @property
    def file(self) -> JudgmentFile:
        """The file of the first dataset."""
        return JudgmentFile(self.folder / f"{self.pairs[0].dataset}.jsonl")

    def restart(self) -> None:
        """Open the session again, as a new process would."""
        files = {one.dataset: JudgmentFile(self.folder / f"{one.dataset}.jsonl") for one in self.pairs}
        rules = RatingRules(DEFAULT_SCALE, overlap=self.overlap)
        self.session = RatingSession(self.pairs, files, rules, lambda: self.now, self.compared)

    def open(self, rater: str) -> dict[str, Any]:
        """Return what a rater sees."""
        return self.session.answer(Click(rater=rater, action="open"))

    def act(self, view: dict[str, Any], action: str, grade: int | None = None, **more: Any) -> dict[str, Any]:
        """Click in a view, four seconds later; return the next view."""
        self.now += timedelta(seconds=4)
        target = (
            view["undo"] if action == "undo" else {"task": view["task"]["key"], "turn": view["task"]["turn"]}
        )
        return self.session.answer(Click(rater=view["rater"], action=action, grade=grade, **target, **more))

    def pair_of(self, view: dict[str, Any]) -> tuple[str, str]:
        """Return the ids of the pair in a view."""
        (task,) = (one for one in self.pairs if one.key == view["task"]["key"])
        return task.query_id, task.doc_id

    def lines(self) -> list[Judgment]:
        """Return the lines of the file."""
        return self.file.read()


@dataclass
class RunningPage:
    """A running ``evalkit judge rate``."""

    process: subprocess.Popen[str]
    address: str

    def stop(self) -> str:
        """Press Ctrl-C; return what was printed then."""
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=30)[0]

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.communicate(timeout=30)

    @property
    def port(self) -> str:
        """The port of the address."""
        return self.address.split("/")[2].rpartition(":")[2]


@contextmanager
def rating(source: Path, *flags: str, port: str = "0", cwd: Path | None = None) -> Iterator[RunningPage]:
    """Run ``evalkit judge rate`` on a file; yield its address."""
    process = start_evalkit("judge", "rate", source, "--no-open", "--port", port, *flags, cwd=cwd)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        assert lines[1].startswith("open "), process.communicate(timeout=30)
        yield RunningPage(process, lines[1].split()[1])
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def write_pairs(path: Path, pairs: list[tuple[str, str]]) -> Path:
    """Write a table of queries and documents as JSON Lines."""
    path.write_bytes(b"".join(orjson.dumps({"query": q, "document": d}) + b"\n" for q, d in pairs))
    return path


def judgments_of(source: Path) -> list[Judgment]:
    """Return the judgments of a table."""
    return JudgmentFile(source.with_name(f"{source.name}.judgments.jsonl")).read()
