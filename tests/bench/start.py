"""How long small commands take, over a Python that does nothing: ``make bench``.

Almost all of it is imports: the inputs are tiny.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from whole_process import Cost, Way, measured

CONFIG = """\
name: start
datasets: [{source: demo}]
retriever: {depth: 10}
rerankers: {lexical: {backend: lexical}}
latency: {}
"""
QRELS = "q1 0 a 1\nq1 0 b 0\nq2 0 b 2\n"
RUN = "q1 Q0 {0} 1 2.0 x\nq1 Q0 {1} 2 1.0 x\nq2 Q0 {0} 1 2.0 x\nq2 Q0 {1} 2 1.0 x\n"
COMMANDS = (
    "--help",
    "serve --help",
    "probe --help",
    "evaluate {0}/qrels {0}/a.run",
    "evaluate {0}/qrels {0}/a.run --json",
    "compare --qrels {0}/qrels {0}/a.run {0}/b.run",
    "config check {0}/c.yaml",
    "config show {0}/c.yaml",
    "dataset list",
    "plugin list",
    "store size {0}/results",
    "baseline save {1} b --into {0}",
    "gate {1} --against {1}",
    "leaderboard {1}",
    "compare {1}",
    "tune depth {1}",
    "run {0}/c.yaml --plan --into {0}/plan",
    "report {1}",
)
ROUNDS = 5


def main() -> None:
    """Print one table: medians of seconds over those of ``python -c pass``."""
    program = [sys.executable, "-m", "evalkit"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "c.yaml").write_text(CONFIG, encoding="utf-8")
        (folder / "qrels").write_text(QRELS, encoding="utf-8")
        (folder / "a.run").write_text(RUN.format("a", "b"), encoding="utf-8")
        (folder / "b.run").write_text(RUN.format("b", "a").replace("x\n", "y\n"), encoding="utf-8")
        results = folder / "results"
        subprocess.run(
            [*program, "run", folder / "c.yaml", "--into", results], check=True, capture_output=True
        )
        (result,) = results.glob("2*")
        ways = [Way("python", [sys.executable, "-c", "pass"])]
        ways += [Way(words, [*program, *words.format(folder, result).split()]) for words in COMMANDS]
        costs = measured(ways, ROUNDS)
    sys.stdout.write(table(costs))


def table(costs: dict[str, Cost]) -> str:
    """Return a line for each command: seconds over those of a bare Python, and the peak of its memory."""
    bare = costs.pop("python")
    lines = ["\nstart of small commands, over a bare Python", f"{'command':<46} wall s   cpu s  peak MB"]
    for words, cost in costs.items():
        shown = words.replace("{0}/", "").replace("{1}", "RESULT")
        wall, cpu = cost.wall_s - bare.wall_s, cost.cpu_s - bare.cpu_s
        lines.append(f"{shown:<46} {wall:6.2f}  {cpu:6.2f}  {cost.peak_bytes / 1e6:7.0f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
