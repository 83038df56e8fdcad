"""Load datasets of the stand-in hub in a process of its own, away from the user's cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

# The process ends without a shutdown of the interpreter, as the command does: Arrow's threads can abort that.
_LOAD = """
import json, os, sys
from evalkit import EvalkitError, load_dataset
for spec in json.loads(sys.argv[1]):
    try:
        dataset = load_dataset(spec)
    except EvalkitError as error:
        print(json.dumps({"error": error.render(), "code": error.exit_code}))
        continue
    listed = dataset.candidates
    texts = {query.query_id: query.text for query in dataset.queries}
    judged = [
        [texts[q], dataset.corpus.text(d), grade]
        for q, docs in dataset.qrels.grades.items()
        for d, grade in docs.items()
        if d in dataset.corpus
    ]
    facts = {
        "name": dataset.name, "split": dataset.origin.split, "licence": dataset.origin.licence,
        "revision": dataset.origin.revision, "hash": dataset.origin.content_hash, "judged": sorted(judged),
        "ids": list(dataset.corpus.doc_ids), "queries": list(texts),
        "listed": None if listed is None else {q: list(docs) for q, docs, _ in listed},
        "counts": dict(dataset.origin.counts), "grades": dataset.qrels.grades,
        "excluded": {q: sorted(docs) for q, docs in dataset.excluded.items()},
        "instructions": [query.instruction for query in dataset.queries], "location": dataset.origin.location,
    }
    print(json.dumps(facts))
sys.stdout.flush()
os._exit(0)
"""


def environment(endpoint: str, home: Path) -> dict[str, str]:
    """Return the variables that point the package at the stand-in and away from the user's cache."""
    return {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "0",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",  # else each table asks another host, and waits for it where there is none
    }


def hub(path: str, **settings: Any) -> dict[str, Any]:
    """Return the block of a hub dataset."""
    return {"source": "hub", "path": path, **settings}


def load_in_process(specs: list[Any], endpoint: str, home: Path) -> list[dict[str, Any]]:
    """Return the facts, or the error, of each dataset."""
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, json.dumps(specs)],
        capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, **environment(endpoint, home)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
