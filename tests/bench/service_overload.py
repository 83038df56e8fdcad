"""Ten times what the service can bear, with 1,500 idle connections.

``python tests/bench/service_overload.py [SECONDS]``. The backend sleeps for 0.1 s and scores four requests at a time,
so that the capacity is known and the machine can send ten times as much. Requests come at a fixed rate whatever becomes
of the others, each on a connection of its own. The idle connections send half a head or nothing; those that the service
closes are opened again.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path

TIMES, IDLE, PER_S = 10, 1500, 40.0


def main() -> None:
    """Print one table."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from support.overload import Load, median_s, overload
    from support.raw_service import attacked, hostile, request

    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with (
        tempfile.TemporaryDirectory() as folder,
        attacked(*hostile(Path(folder)), files=1024, stderr=None) as service,
    ):
        before_s, before_mb = median_s(service.port, request("q")), service.memory_mb()
        load = Load(service.port, request("slow0.1"), TIMES * PER_S, seconds, IDLE)
        found = overload(load, service.memory_mb)
        after_s, after_mb = median_s(service.port, request("q")), service.memory_mb()
        code = service.end()
    rows = [
        ("requests sent", f"{sum(found.statuses.values()):,}"),
        *((f"answered {status}", f"{count:,}") for status, count in sorted(found.statuses.items())),
        ("429 or 503 without Retry-After", str(found.without_retry_after)),
        ("idle connections closed and opened again", f"{found.reopened:,}"),
        ("memory before, most, after (MB)", f"{before_mb:.0f}, {max(found.memory_mb):.0f}, {after_mb:.0f}"),
        ("median of a request alone before, after (ms)", f"{before_s * 1000:.1f}, {after_s * 1000:.1f}"),
        ("exit code after SIGTERM", str(code)),
    ]
    sys.stdout.write(
        f"\n{TIMES} times the {PER_S:g} requests/s that the service can bear, for {seconds:g} s, with {IDLE:,} idle"
        " connections and 1,024 file descriptors\n"
    )
    for name, value in rows:
        sys.stdout.write(f"{name:48}{value:>20}\n")


if __name__ == "__main__":
    main()
