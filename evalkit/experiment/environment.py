"""The environment of an experiment: versions, commit and machine. An unknown value is None."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from evalkit.results.manifest import GitState, Machine

PACKAGES = (
    "bm25s",
    "datasets",
    "httpx",
    "ir-measures",
    "matplotlib",
    "numpy",
    "pandas",
    "pyarrow",
    "PyStemmer",
    "scipy",
    "sentence-transformers",
    "torch",
    "uvicorn",
)

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TOKENIZERS_PARALLELISM")
"""Environment variables that set the number of threads of libraries."""


def versions() -> dict[str, str]:
    """Return the versions of evalkit, Python and the packages that can change a result."""
    found = {"evalkit": metadata_version("rerank-evalkit"), "python": platform.python_version()}
    found |= {name: metadata_version(name) for name in PACKAGES}
    return {name: version for name, version in found.items() if version is not None}


def metadata_version(name: str) -> str | None:
    """Return the installed version of a distribution, None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def git_state() -> GitState | None:
    """Return the commit of the working directory's repository and whether files differ from it; None outside one."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    return GitState(commit, dirty=bool(_git("status", "--porcelain")))


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["git", *words],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def machine() -> Machine:
    """Return the processor, memory, thread settings and load of this machine."""
    return Machine(
        platform=platform.platform(),
        cpu=_cpu_name(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        memory_bytes=_memory_bytes(),
        threads={name: os.environ[name] for name in THREADS if name in os.environ},
        load_average=os.getloadavg() if hasattr(os, "getloadavg") else None,
    )


def _cpu_name() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
