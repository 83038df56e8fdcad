"""The scoring engine with scripted tokenisers and networks: no model is needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from evalkit.encoding.engine import Engine
from evalkit.encoding.library_errors import OutOfMemoryError
from evalkit.encoding.library_runtime import model_errors
from evalkit.encoding.packing import Padded, pack
from evalkit.encoding.tokens import Item, Tokens
from evalkit.errors import CallError, InputError


class Letters:
    """A tokeniser: one token a letter, cut at twenty."""

    pad_id = 0
    pads_left = False

    def __call__(self, items: Sequence[Item]) -> Tokens:
        """Tokenise."""
        texts = ["".join(item) for item in items]
        ids = [np.array([ord(letter) for letter in text[:20]], dtype=np.int64) for text in texts]
        return Tokens(ids, None, np.array([len(text) > 20 for text in texts], dtype=bool))


class Summing:
    """A network: the sum of a row's tokens. Out of memory beyond `most` tokens a batch."""

    def __init__(self, workers: int = 1, most: int | None = None) -> None:
        self.workers = workers
        self._most = most
        self.rows = 0
        self._lock = threading.Lock()

    def forward(self, batch: Padded, worker: int | None) -> NDArray[Any]:
        """Add up."""
        assert worker is None or 0 <= worker < self.workers
        if self._most is not None and batch.ids.size > self._most:
            raise OutOfMemoryError("too much")
        with self._lock:
            self.rows += len(batch.ids)
        return np.asarray((batch.ids * batch.mask).sum(axis=1, keepdims=True))

    def facts(self) -> dict[str, Any]:
        """Tell nothing."""
        return {}


def wanted(texts: Sequence[str]) -> list[int]:
    """Return what `Summing` makes of texts."""
    return [sum(map(ord, text[:20])) for text in texts]


@pytest.mark.parametrize("workers", [1, 4])
@given(texts=st.lists(st.text("abc", max_size=30), max_size=40), budget=st.integers(1, 100))
def test_results_come_back_in_order(workers: int, texts: list[str], budget: int) -> None:
    """However rows are sorted, batched and spread over workers, each result stands where its text stood."""
    progress: list[int] = []
    network = Summing(workers)
    found = Engine(Letters(), network, budget, model="m").run(texts, progress.append)
    assert [int(row[0]) for row in found.rows] == wanted(texts)
    assert found.tokens.tolist() == [min(len(text), 20) for text in texts]
    assert found.truncated.tolist() == [len(text) > 20 for text in texts]
    assert sum(progress) == len(texts) == network.rows, "each text goes through the network once"


@given(st.lists(st.text("abc", min_size=1, max_size=20), min_size=1, max_size=30))
def test_a_batch_that_does_not_fit_is_halved(texts: list[str]) -> None:
    """Where memory holds one text, every text gets its result; how often that took halving is reported."""
    engine = Engine(Letters(), Summing(2, most=20), 1000, model="m")
    assert [int(row[0]) for row in engine.run(texts).rows] == wanted(texts)
    lengths = np.array([len(text) for text in texts])
    most = max(len(batch) * int(lengths[batch].max()) for batch in pack(lengths, 1000))
    assert (engine.facts()["batches_halved"] > 0) == (most > 20)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_text_that_does_not_fit_alone_is_a_failure(workers: int) -> None:
    """A single text beyond the memory fails the run, with what to do about it; no worker goes on."""
    with pytest.raises(CallError, match="one input of 20 tokens does not fit") as caught:
        Engine(Letters(), Summing(workers, most=10), 20, model="m").run(["abc", "a" * 20, "b" * 19, "c" * 18])
    assert "max_length_tokens" in str(caught.value.hint)


class Failing(Summing):
    """A network that fails for some batches."""

    def __init__(self, fails: Callable[[NDArray[np.int64]], bool], workers: int = 1) -> None:
        super().__init__(workers)
        self._fails = fails

    def forward(self, batch: Padded, worker: int | None) -> NDArray[Any]:
        """Add up, or fail."""
        with model_errors("m", "compute a batch"):
            if self._fails(batch.ids):
                raise RuntimeError(f"no {len(batch.ids)} rows\nfor details see above")
        return super().forward(batch, worker)


def message_of(network: Failing, items: Sequence[Item], batch_tokens: int = 1000) -> str:
    """Return the error of a run, on one line."""
    with pytest.raises(InputError) as caught:
        Engine(Letters(), network, batch_tokens, model="m").run(items)
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    return str(caught.value)


@pytest.mark.parametrize("workers", [1, 3])
@given(
    texts=st.lists(st.text("abc", min_size=1, max_size=9), max_size=20),
    place=st.integers(0, 20),
    budget=st.integers(1, 200),
)
def test_a_failure_names_its_input(workers: int, texts: list[str], place: int, budget: int) -> None:
    """Wherever it is in a batch, the one input that fails is found; its beginning and its tokens are stated."""
    network = Failing(lambda ids: bool((ids == ord("x")).any()), workers)
    message = message_of(network, [*texts[:place], "axe", *texts[place:]], budget)
    assert (
        message == "the model 'm' cannot compute a batch: no 1 rows; it fails for the text \"axe\" (3 tokens)"
    )


def test_a_failing_pair_is_named_by_the_beginnings_of_its_texts() -> None:
    """Long texts are cut, and no character of them controls a terminal or starts a line."""
    network = Failing(lambda ids: bool((ids == ord("x")).any()))
    pairs = [("query", "abc"), ("a\n\x1bx", "d" * 100)]
    text = '"a\\n\\x1bx" with the document "' + "d" * 60 + ' ..." (20 tokens)'
    assert message_of(network, pairs).endswith(f"; it fails for the query {text}")


def test_a_failure_of_several_inputs_together_is_said_to_be_one() -> None:
    """Where every input succeeds alone, none is blamed, and the hint says how to run them alone."""
    network = Failing(lambda ids: len(ids) > 1)
    with pytest.raises(
        InputError, match=r"no 4 rows; none of the 4 inputs of the batch fails alone$"
    ) as caught:
        Engine(Letters(), network, 1000, model="m").run(["a", "b", "c", "d"])
    assert caught.value.hint == "set batch_tokens: 1"
    Engine(Letters(), network, 1, model="m").run(["a", "b", "c", "d"])


def test_a_failure_of_every_input_blames_none() -> None:
    """A device that answers nothing any more makes no single input the culprit."""
    assert "it fails for other inputs too, as for the text" in message_of(Failing(lambda _: True), ["a", "b"])


def test_fewer_outputs_than_inputs_are_a_failure() -> None:
    """A network that returns one value for a whole batch is refused, and not read row by row."""
    network = Summing()
    network.forward = lambda batch, _: np.zeros(len(batch.ids) // 2)  # type: ignore[method-assign,misc]
    with pytest.raises(InputError, match=r"the model 'm' returned \d outputs for \d inputs"):
        Engine(Letters(), network, 1000, model="m").run(["a", "b", "c"])


class Panics(Letters):
    """A tokeniser that panics at one letter, as tokenizers does, whose panics are no `Exception`."""

    def __call__(self, items: Sequence[Item]) -> Tokens:
        """Tokenise, or panic."""

        class PanicException(BaseException):
            """A panic of Rust."""

        if any("x" in text for text in items):
            raise PanicException("byte index 1 is not a char boundary")
        return super().__call__(items)


@given(st.lists(st.text("abc", max_size=9), max_size=20), st.integers(0, 20))
def test_a_tokeniser_that_fails_names_its_input(texts: list[str], place: int) -> None:
    """Tokens of all inputs are made at once; the text that no tokens can be made of is found all the same."""
    items = [*texts[:place], "ax", *texts[place:]]
    engine = Engine(Panics(), Summing(), 10, model="m")
    for use in (engine.run, engine.measure):
        with pytest.raises(InputError, match=r'cannot tokenise its input: .*char boundary; .* "ax"$'):
            use(items)


class Continuing(Summing):
    """A network that adds the sum of a prefix to that of each row, and keeps nothing else of it."""

    least_shared = 0

    def __init__(self, workers: int = 1, most: int | None = None) -> None:
        super().__init__(workers, most)
        self.read: list[str] = []

    def read_prefix(self, inputs: Padded, worker: int | None) -> object:
        """Return the sum of the prefix."""
        assert worker is None or 0 <= worker < self.workers
        assert inputs.mask.all()
        with self._lock:
            self.read.append("".join(map(chr, inputs.ids[0])))
        return int(inputs.ids.sum())

    def forward(self, batch: Padded, worker: int | None) -> NDArray[Any]:
        """Add up."""
        found = super().forward(batch, worker)
        return found if batch.prefix is None else found + batch.prefix


@pytest.mark.parametrize("workers", [1, 4])
@given(
    pairs=st.lists(
        st.tuples(st.sampled_from(["aaaaaaaa", "bbbbbbbb"]), st.text("cde", max_size=9)), max_size=30
    ),
    budget=st.integers(1, 100),
)
def test_shared_prefixes_change_no_result(workers: int, pairs: list[tuple[str, str]], budget: int) -> None:
    """Results are those of whole inputs, in their order; each prefix is read once, whatever the batches."""
    network = Continuing(workers)
    engine = Engine(Letters(), network, budget, model="m", prefixes=network)
    assert [int(row[0]) for row in engine.run(pairs).rows] == wanted(["".join(pair) for pair in pairs])
    assert len(network.read) == len(set(network.read))
    assert engine.facts()["shares_prefixes"] is True


def test_halves_of_a_batch_follow_the_same_prefix() -> None:
    """A batch that does not fit into memory is split, and its prefix is not read again."""
    network = Continuing(most=8)
    engine = Engine(Letters(), network, 1000, model="m", prefixes=network)
    pairs = [("aaaaaaaa", letter * 4) for letter in "bcdefg"]
    assert [int(row[0]) for row in engine.run(pairs).rows] == wanted(["".join(pair) for pair in pairs])
    assert network.read == ["aaaaaaaa"]
    assert engine.facts()["batches_halved"] > 0


def test_an_engine_with_another_network_reads_whole_inputs() -> None:
    """A network that wraps another one need not know prefixes."""
    network = Continuing()
    engine = Engine(Letters(), network, 1000, model="m", prefixes=network).with_network(lambda own: own)
    engine.run([("aaaaaaaa", letter) for letter in "bcd"])
    assert network.read == []
    assert "shares_prefixes" not in engine.facts()
