"""A collection that tries to be more than text: markup, quotes, other directions, control characters, a huge line."""

from __future__ import annotations

import json
from pathlib import Path

TEXTS = (
    "</script><script>window.struck=1</script>",
    "<img src=x onerror='window.struck=2'>",
    "\"'><svg onload=window.struck=3>",
    "<!--<script>",
    "\u202etfel ot thgir\u202c",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "line\u2028separators\u2029and a nul \x00",
    "{{ 7 * 7 }} {% raw %} ${1 + 1} $\\frac$",
    "| pipe `code` *star* _under_ [link](javascript:alert(1)) &lt; <b>",
    "x" * 100_000,
)
DOC_IDS = tuple(f"d{place}<b>&\"'" for place in range(len(TEXTS)))
PLAIN_QUERIES = 60


def write_hostile_folder(folder: Path) -> Path:
    """Write the collection in BEIR's layout, with plain queries beside the hostile ones, and return the folder."""
    (folder / "qrels").mkdir(parents=True)
    documents = [
        {"_id": doc_id, "text": f"{text} common words"} for doc_id, text in zip(DOC_IDS, TEXTS, strict=True)
    ]
    queries = [{"_id": f"q{place}</td>", "text": f"{text} common words"} for place, text in enumerate(TEXTS)]
    queries += [{"_id": f"plain{place}", "text": f"common words {place}"} for place in range(PLAIN_QUERIES)]
    for name, rows in (("corpus", documents), ("queries", queries)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    rows = [
        f"{query['_id']}\t{DOC_IDS[place % len(DOC_IDS)]}\t{1 + place % 2}"
        for place, query in enumerate(queries)
    ]
    text = "\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n"
    (folder / "qrels" / "test.tsv").write_text(text, encoding="utf-8")
    return folder


def write_good_run(folder: Path, path: Path) -> Path:
    """Write a run that puts the relevant document first for most queries."""
    lines = (folder / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]
    relevant = dict(line.split("\t")[:2] for line in lines)
    rows = [
        f"{query_id} Q0 {doc_id} 1 {(doc_id == right) * (place % 5 > 0) + number / 100} good"
        for place, (query_id, right) in enumerate(relevant.items())
        for number, doc_id in enumerate(DOC_IDS)
    ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path
