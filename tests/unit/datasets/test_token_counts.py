"""The lengths of documents: which are counted, and from which texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tiny_tokenizers import bert_tokenizer

from evalkit.datasets.token_counts import count_in_corpus, count_in_file, valued_documents
from evalkit.encoding.text_tokenizer import TextTokenizer, open_text_tokenizer
from evalkit.errors import DataFormatError
from evalkit.records import Corpus, Qrels, Run

pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> TextTokenizer:
    """Return a small tokenizer."""
    folder = tmp_path_factory.mktemp("bert")
    bert_tokenizer(folder)
    return open_text_tokenizer(str(folder))


def test_the_documents_of_lists_and_judgments_are_counted_once() -> None:
    """Ranked ones first, in the order in which they are found."""
    run = Run.from_rows("r", ["q", "q", "p"], ["b", "a", "b"], [2.0, 1.0, 1.0])
    assert valued_documents([run, run], Qrels({"q": {"a": 1, "c": 0}})) == ["b", "a", "c"]


def test_a_document_that_the_corpus_lacks_has_no_length(tokenizer: TextTokenizer) -> None:
    """It is unknown and not 0; an empty text has 0 tokens."""
    tokens = count_in_corpus(tokenizer, Corpus(("a", "b"), ("1 0 1", "")), ["b", "a", "x"], "small")
    assert tokens.counts == {"b": 0, "a": 3}
    assert (tokens.tokenizer, tokens.sha256) == (tokenizer.name, tokenizer.sha256)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.jsonl", '{"_id": "a", "title": "1 0", "text": "1"}\n{"_id": "b", "title": "", "text": "0"}\n'),
        ("c.csv", "id,title,text\na,1 0,1\nb,,0\n"),
        ("c.tsv", "docno\ttitle\tcontents\na\t1 0\t1\nb\t\t0\n"),
    ],
)
def test_title_and_text_of_any_table_are_joined_as_in_a_dataset(
    tokenizer: TextTokenizer, tmp_path: Path, name: str, content: str
) -> None:
    """Documents that are not asked for are not counted."""
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    assert count_in_file(tokenizer, file, ["a"]).counts == {"a": 3}
    assert count_in_file(tokenizer, file, ["b", "a", "x"]).counts == {"a": 3, "b": 1}


def test_a_file_of_another_collection_is_refused(tokenizer: TextTokenizer, tmp_path: Path) -> None:
    """Where it has none of the documents, and where it has one twice."""
    file = tmp_path / "c.jsonl"
    file.write_text('{"_id": "a", "text": "1"}\n' * 2, encoding="utf-8")
    with pytest.raises(DataFormatError, match="contains none of the 1 ranked and judged documents"):
        count_in_file(tokenizer, file, ["x"])
    with pytest.raises(DataFormatError, match="document 'a' occurs twice"):
        count_in_file(tokenizer, file, ["a"])
