"""What is found in the real collections is true: every figure counted again from the files, in another way."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import ir_measures
import pytest
from support.inspected import by_code

from evalkit.config.load import build_config
from evalkit.config.source import Source
from evalkit.dataset_checks import DataFinding
from evalkit.experiment.dataset_inspection import inspect

pytestmark = pytest.mark.long
COLLECTIONS = (
    "scifact", "cranfield", "cisi", "medline", "trec-dl19-pool", "xquad/en", "xquad/de", "xquad/ar", "xquad/zh",
)  # fmt: skip


class Files:
    """A collection as its files hold it, read without evalkit."""

    def __init__(self, folder: Path) -> None:
        rows = json_lines(folder / "corpus.jsonl")
        self.documents = {
            r["_id"]: f"{r['title']}\n{r['text']}" if r.get("title") else r["text"] for r in rows
        }
        self.all_queries = {row["_id"]: row["text"] for row in json_lines(folder / "queries.jsonl")}
        self.judged = read_judgments(folder / "qrels" / "test.tsv")
        train = folder / "qrels" / "train.tsv"
        self.train = read_judgments(train) if train.is_file() else []
        judged = {query for query, _, _ in self.judged}
        self.queries = {query: text for query, text in self.all_queries.items() if query in judged}

    def relevant(self, documents: set[str]) -> int:
        """Return how many judgments call one of these documents relevant."""
        return sum(grade > 0 and doc in documents for _, doc, grade in self.judged)


def json_lines(file: Path) -> list[dict[str, str]]:
    """Return the objects of a file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def read_judgments(file: Path) -> list[tuple[str, str, int]]:
    """Return the rows of a file of judgments."""
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()[1:]]
    return [(query, doc, int(grade)) for query, doc, grade in rows]


def loosely(text: str) -> str:
    """Return a text without case and white space."""
    return re.sub(r"\s+", " ", text.casefold()).strip()


@pytest.fixture(scope="module", params=COLLECTIONS)
def looked_at(request: pytest.FixtureRequest, test_data: Path) -> tuple[str, Files, dict[str, DataFinding]]:
    """Return a collection's name, its files, and what is found in it."""
    folder = test_data / "collections" / request.param
    data: dict[str, Any] = {
        "name": "check",
        "datasets": [{"source": "beir_folder", "path": str(folder), "exclude_same_id": True}],
        "rerankers": {"unchanged": {"backend": "identity"}},
    }
    return request.param, Files(folder), by_code(list(inspect(build_config(Source("check", data=data)))))


Looked = tuple[str, Files, dict[str, DataFinding]]


def counts(found: dict[str, DataFinding], code: str) -> dict[str, float | None]:
    """Return the counts of a finding; none where nothing was found."""
    return dict(found[code].counts) if code in found else {}


def test_judgments(looked_at: Looked) -> None:
    """Missing documents and their relevant judgments, unjudged queries and grades are those of the files."""
    _, files, found = looked_at
    missing = [row for row in files.judged if row[1] not in files.documents]
    reported = counts(found, "missing_documents")
    assert reported.get("judgments", 0) == len(missing)
    assert reported.get("relevant", 0) == sum(grade > 0 for _, _, grade in missing)
    unjudged = len(files.all_queries) - len(files.queries)
    assert counts(found, "unjudged_queries").get("queries", 0) == unjudged
    grades = Counter(grade for _, _, grade in files.judged)
    assert counts(found, "grades") == {f"grade_{grade}": grades[grade] for grade in grades}
    assert ("only_relevant_judged" in found) == (min(grades) > 0)


def test_the_best_possible_values(looked_at: Looked) -> None:
    """Ceilings of missing, empty and barred documents are ir_measures' values of the best run that is left."""
    _, files, found = looked_at
    empty = {doc for doc, text in files.documents.items() if not text.strip()}
    left = {
        "missing_documents": lambda _, doc: doc in files.documents,
        "empty_documents": lambda _, doc: doc not in empty,
        "same_ids": lambda query, doc: query != doc,
    }
    measures = [ir_measures.nDCG @ 10, ir_measures.R @ 1000]
    qrels = [ir_measures.Qrel(*row) for row in files.judged]
    for code, reachable in left.items():
        if not counts(found, code).get("relevant"):
            continue
        run = [ir_measures.ScoredDoc(q, d, g) for q, d, g in files.judged if g > 0 and reachable(q, d)]
        values = ir_measures.calc_aggregate(measures, qrels, run)
        falls = dict(re.findall(r"(\S+) 1\.0000 to (\d\.\d{4})", found[code].effect))
        assert float(falls["recall"]) == pytest.approx(values[measures[1]], abs=5e-5)
        assert float(falls.get("nDCG@10", "1")) == pytest.approx(values[measures[0]], abs=5e-5)


def test_texts(looked_at: Looked) -> None:
    """Empty documents, lengths, unreadable characters and equal texts are those of the files."""
    _, files, found = looked_at
    empty = [doc for doc, text in files.documents.items() if not text.strip()]
    assert counts(found, "empty_documents").get("documents", 0) == len(empty)
    assert counts(found, "empty_documents").get("relevant", 0) == files.relevant(set(empty))
    assert counts(found, "lengths")["documents_words_max"] == max(
        len(t.split()) for t in files.documents.values()
    )
    unreadable = {doc for doc, text in files.documents.items() if "\ufffd" in text}
    assert counts(found, "replacement_characters").get("documents", 0) == len(unreadable)
    assert counts(found, "replacement_characters").get("relevant", 0) == files.relevant(unreadable)
    groups = equal(files.documents)
    reported = counts(found, "duplicate_documents")
    assert (reported.get("documents", 0), reported.get("texts", 0)) == (sum(map(len, groups)), len(groups))


def equal(texts: dict[str, str]) -> list[list[str]]:
    """Return groups of ids whose texts are equal, case and white space aside."""
    held = defaultdict(list)
    for key, text in texts.items():
        held[loosely(text)].append(key)
    return [group for text, group in held.items() if len(group) > 1 and text]


def test_mojibake_becomes_text_again(looked_at: Looked) -> None:
    """Every document named as mojibake holds a stretch that is UTF-8 when it is written as it was read."""
    _, files, found = looked_at
    for doc in found["mojibake"].examples if "mojibake" in found else ():
        assert any(mended(stretch) for stretch in re.findall(r"[^\x00-\x7f]{2,}", files.documents[doc]))


def mended(stretch: str) -> bool:
    """Return whether characters, as Latin-1 or Windows-1252 bytes, hold a character of UTF-8."""
    raw = b"".join(
        c.encode("latin-1") if ord(c) < 256 else c.encode("cp1252", errors="ignore") for c in stretch
    )
    return any(ord(c) > 127 and c != "\ufffd" for c in raw.decode("utf-8", errors="replace"))


def test_queries_and_ids(looked_at: Looked) -> None:
    """Equal queries, ids that meet documents', and queries of the train split are those of the files."""
    _, files, found = looked_at
    groups = equal(files.queries)
    reported = counts(found, "repeated_queries")
    assert (reported.get("queries", 0), reported.get("texts", 0)) == (sum(map(len, groups)), len(groups))
    same = [query for query in files.queries if query in files.documents]
    assert counts(found, "same_ids").get("queries", 0) == len(same)
    own = sum(query == doc and grade > 0 for query, doc, grade in files.judged)
    assert counts(found, "same_ids").get("relevant", 0) == own
    train = {loosely(files.all_queries[query]) for query, _, _ in files.train}
    leaked = [query for query, text in files.queries.items() if loosely(text) in train]
    assert counts(found, "train_queries").get("queries", 0) == len(leaked)


def test_queries_in_documents(looked_at: Looked) -> None:
    """Queries that stand in a document word for word are found as by looking into every one of them."""
    _, files, found = looked_at
    texts = [f" {' '.join(re.findall(spelled, text.casefold()))} " for text in files.documents.values()]
    asked = [re.findall(spelled, text.casefold()) for text in files.queries.values()]
    everything = "\n".join(texts)
    inside = sum(len(words) >= 5 and f" {' '.join(words)} " in everything for words in asked)
    assert counts(found, "verbatim_queries").get("queries", 0) == inside


spelled = r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+"
"""Words, and single Chinese characters."""


def test_what_is_known_of_them(looked_at: Looked) -> None:
    """What their makers and readers know of these collections is what is found."""
    name, _, found = looked_at
    if name == "cranfield":
        assert found["empty_documents"].examples == ("471", "995")
        assert found["same_ids"].counts["relevant"] == 1
    elif name == "cisi":
        assert found["unjudged_queries"].counts["queries"] == 36
        assert found["same_ids"].counts["relevant"] == 7
    elif name == "trec-dl19-pool":
        assert found["missing_documents"].counts["judgments"] == 4923
        assert found["missing_documents"].severity == "warning"
    elif name in {"xquad/de", "xquad/ar", "xquad/zh"}:
        assert found["language"].severity == "warning"
    else:
        assert "language" not in found
