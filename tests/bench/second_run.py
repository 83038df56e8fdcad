"""How long the same run takes a second time, when every score is known: ``make bench``.

The rerankers are those of the demo: one behind a real HTTP service, one with 100 ms a call.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

CONFIG = """\
name: second-run
datasets: [{source: demo}]
retriever: {depth: 100}
rerankers:
  lexical: {backend: http, dialect: assisters, serve: {backend: lexical}}
  slow: {backend: http, url: 'URL', model: m, concurrency: 4}
"""
PAUSE_S = 0.1


def main() -> None:
    """Print one table."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from support.api_runs import Counting
    from support.stand_in import stand_in

    with tempfile.TemporaryDirectory() as name, stand_in(Counting(PAUSE_S)) as url:
        folder = Path(name)
        config = folder / "c.yaml"
        config.write_text(CONFIG.replace("URL", url), encoding="utf-8")
        sys.stdout.write("\nthe same run again\n run  seconds  calls\n")
        times = []
        for number in (1, 2):
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "evalkit", "run", config, "--into", folder / "results"],
                check=True, capture_output=True,
            )  # fmt: skip
            times.append(time.perf_counter() - start)
            newest = max(path for path in (folder / "results").glob("2*") if path.is_dir())
            calls = len(pd.read_parquet(newest / "calls.parquet"))
            sys.stdout.write(f"{number:4}  {times[-1]:7.1f}  {calls:5}\n")
        sys.stdout.write(f"second to first: {times[1] / times[0]:.2f}\n")


if __name__ == "__main__":
    main()
