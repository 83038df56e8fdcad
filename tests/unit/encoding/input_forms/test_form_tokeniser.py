"""Pairs are tokenised in an input form: equal to the pieces apart, and cut where the form says."""

from __future__ import annotations

from functools import cache
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tiny_training import byte_pairs, gemma

from evalkit.encoding.input_forms import FormTokeniser, InputForm
from evalkit.encoding.tokens import TokenRules
from evalkit.errors import InputError

tokenizers = pytest.importorskip("tokenizers", reason="needs the onnx extra")

SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
HEAD, TAIL = "<|im_start|>system\nJudge.<|im_end|>\n<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"
APART = InputForm("apart", (HEAD, "query: {query}", "\n", "document: {document}", "\n", TAIL))
SHARED = InputForm("shared", APART.pieces, query_share=(3, 4))
WHOLE = InputForm("whole", (HEAD + "<Document> {document}\n<Query> {query} ??" + TAIL,))
ENDED = InputForm("ended", (HEAD, "<Query>: {query}\n<Document>: {document}", TAIL), cut="end")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    ["{query}", "{document}", "<|im_end|>", "a <|endoftext|>", "word " * 40, "\n \n", " e\u0301"]
)


@cache
def _qwen() -> str:
    """Return the content of a tokenizer of byte pairs."""
    return byte_pairs(SPECIALS, "qwen")


def _rules(most: int | None = None) -> TokenRules:
    """Return the rules of a causal model."""
    return TokenRules(most, "right", with_segments=False, pad_id=0, pads_left=True)


def _apart(form: InputForm, query: str, document: str) -> list[list[int]]:
    """Return the tokens of every piece, each tokenised apart by the library."""
    library = tokenizers.Tokenizer.from_str(_qwen())
    texts = [piece.fill(query, document).text for piece in form.parsed()]
    return [library.encode(text, add_special_tokens=False).ids for text in texts]


@given(st.sampled_from([APART, WHOLE, ENDED]), st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_tokens_are_those_of_the_pieces_apart(form: InputForm, pairs: list[tuple[str, str]]) -> None:
    """Without a limit, the tokens of a pair are those of its pieces, one after the other."""
    found = FormTokeniser(_qwen(), _rules(), form)(pairs)
    assert [ids.tolist() for ids in found.ids] == [list(chain(*_apart(form, *pair))) for pair in pairs]
    assert not found.truncated.any()
    assert found.segments is None


@given(st.sampled_from([APART, SHARED, WHOLE, ENDED]), TEXTS, TEXTS, st.integers(0, 40))
def test_a_cut_keeps_the_template(form: InputForm, query: str, document: str, more: int) -> None:
    """No input is longer than the limit, and the template's head and end survive every cut."""
    fixed = sum(map(len, _apart(form, "", "")))
    most = fixed + 8 + more
    found = FormTokeniser(_qwen(), _rules(most), form)([(query, document)])
    (ids,) = found.ids
    whole = list(chain(*_apart(form, query, document)))
    assert len(ids) <= most
    head, tail = _apart(InputForm("ends", (HEAD, TAIL)), "", "")
    assert ids[: len(head)].tolist() == head
    assert ids[-len(tail) :].tolist() == tail
    assert found.truncated[0] == (ids.tolist() != whole)
    if form.query_share is None:
        assert found.truncated[0] == (len(whole) > most)


@given(TEXTS, TEXTS.map("a".__add__), st.integers(0, 40))
def test_the_document_is_cut_before_the_query(query: str, document: str, more: int) -> None:
    """Tokens are taken from the end of the document; the query is cut where none is left."""
    pieces = _apart(APART, query, document)
    most = sum(map(len, _apart(APART, "", ""))) + 8 + more
    (ids,) = FormTokeniser(_qwen(), _rules(most), APART)([(query, document)]).ids
    over = max(sum(map(len, pieces)) - most, 0)
    (label,) = _apart(InputForm("label", ("document:",)), "", "")  # its space belongs to the first word
    from_document = min(over, len(pieces[3]) - len(label))
    pieces[3] = pieces[3][: len(pieces[3]) - from_document]
    pieces[1] = pieces[1][: len(pieces[1]) - (over - from_document)]
    assert ids.tolist() == list(chain(*pieces))


def test_a_query_is_cut_to_its_share() -> None:
    """A long query leaves the document a quarter of the room, as the template's maker has it."""
    query, document = "long query " * 100, "long document " * 100
    pieces = _apart(SHARED, query, document)
    most = 200
    room = most - len(pieces[0]) - len(pieces[4]) - len(pieces[5])
    pieces[1] = pieces[1][: room * 3 // 4]
    pieces[3] = pieces[3][: room - len(pieces[1]) - len(pieces[2])]
    (ids,) = FormTokeniser(_qwen(), _rules(most), SHARED)([(query, document)]).ids
    assert ids.tolist() == list(chain(*pieces))
    assert len(ids) == most


def test_the_end_of_a_piece_is_cut_whatever_it_is() -> None:
    """A form that cuts the end of its piece cuts the query's text where the query alone is too long."""
    pieces = _apart(ENDED, "long query " * 100, "a document")
    pieces[1] = pieces[1][: 100 - len(pieces[0]) - len(pieces[2])]
    (ids,) = FormTokeniser(_qwen(), _rules(100), ENDED)([("long query " * 100, "a document")]).ids
    assert ids.tolist() == list(chain(*pieces))


def test_whitespace_around_texts_is_stripped_where_the_form_says() -> None:
    """A form that strips texts gives a padded pair the tokens of the plain one."""
    form = InputForm("stripped", ("a {query} b {document} c",), strip=True)
    first, second = FormTokeniser(_qwen(), _rules(), form)([(" q\n", "\td "), ("q", "d")]).ids
    assert first.tolist() == second.tolist()


@pytest.mark.parametrize("most", [None, 40])
def test_special_tokens_are_the_tokenizers_own(most: int | None) -> None:
    """A whole text with special tokens is what the tokenizer makes of it, and a cut keeps them."""
    library = tokenizers.Tokenizer.from_str(gemma())
    ends = [(token, library.token_to_id(token)) for token in ("<bos>", "<eos>")]
    library.post_processor = tokenizers.processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=ends
    )
    form = InputForm("marked", ("question:{query} \n \n passage:{document}",), special_tokens=True)
    pair = ("a query", "some document " * 20)
    found = FormTokeniser(library.to_str(), _rules(most), form)([pair])
    wanted = library.encode(f"question:{pair[0]} \n \n passage:{pair[1]}").ids
    if most is not None:
        wanted = [*wanted[: most - 1], wanted[-1]]
    assert found.ids[0].tolist() == wanted
    assert found.truncated[0] == (most is not None)


def test_the_first_token_counts_as_part_of_the_room() -> None:
    """A first token is put before the first piece, and within the limit."""
    form = InputForm("first", ("A: {query}", "\n", "B: {document}"), begin="<bos>")
    first = tokenizers.Tokenizer.from_str(gemma()).token_to_id("<bos>")
    long, short = FormTokeniser(gemma(), _rules(30), form)([("q", "word " * 50), ("q", "d")]).ids
    assert (long[0], short[0]) == (first, first)
    assert len(long) == 30
    with pytest.raises(InputError, match="has no token '<bos>'"):
        FormTokeniser(_qwen(), _rules(), form)


def test_a_limit_without_room_is_refused() -> None:
    """A limit that the template alone reaches is refused, with the smallest one that works."""
    fixed = sum(map(len, _apart(APART, "", "")))
    with pytest.raises(InputError, match=f"has {fixed} tokens") as caught:
        FormTokeniser(_qwen(), _rules(fixed), APART)
    assert caught.value.hint == f"set max_length_tokens to {fixed + 8} or more"
    FormTokeniser(_qwen(), _rules(fixed + 8), APART)


def test_segments_are_those_of_one_text() -> None:
    """A model that takes segments gets zeros: to it, the pair is one text."""
    rules = TokenRules(None, "right", with_segments=True, pad_id=0, pads_left=False)
    found = FormTokeniser(_qwen(), rules, APART)([("q", "d")])
    assert found.segments is not None
    assert np.array_equal(found.segments[0], np.zeros_like(found.ids[0]))
    with pytest.raises(TypeError, match="takes pairs"):
        FormTokeniser(_qwen(), rules, APART)(["a text"])
