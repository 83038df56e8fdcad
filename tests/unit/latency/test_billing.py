"""How calls are billed, from scripted calls: per call, per document, per block, by text, or not to be known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.latency.billing import BilledCalls, Billing, CostStep, fixed_per_call, infer_billing

USD = 0.002


def calls(
    documents: Sequence[int], usd: Sequence[float], tokens: Sequence[float] | None = None
) -> BilledCalls:
    """Return timed calls; without `tokens` the API does not report them."""
    reported = np.array(tokens or [np.nan] * len(usd), dtype=np.float64)
    return BilledCalls(
        np.array(documents), np.array(usd), {"tokens": reported}, np.ones(len(usd), dtype=bool)
    )


def costs(found: Billing, *documents: int) -> list[float]:
    """Return the cost of calls in units of `USD`."""
    return (found.of_calls(max(documents))[list(documents)] / USD).tolist()


def test_one_unit_for_each_call_costs_the_same_for_all_numbers_of_documents() -> None:
    """Calls with 10, 50 and 100 documents that each bill one unit: so do calls with 1 to 100; above it is unknown."""
    found = infer_billing(calls([10, 50, 100], [USD] * 3), by_text=False)
    assert costs(found, 1, 10, 37, 100) == [1.0] * 4
    assert np.isnan(found.of_calls(101)[101])


def test_a_unit_for_each_document_is_in_proportion() -> None:
    """Twice the documents cost twice as much, also above the recorded numbers."""
    found = infer_billing(calls([10, 50], [10 * USD, 50 * USD]), by_text=False)
    assert costs(found, 0, 1, 33, 200) == pytest.approx([0, 1, 33, 200])


def test_a_unit_for_each_started_hundred_documents_is_a_step() -> None:
    """Where calls with 100 and with 101 documents were recorded, the step is known; each number between agrees."""
    found = infer_billing(calls([10, 100, 101, 200], [USD, USD, 2 * USD, 2 * USD]), by_text=False)
    assert costs(found, 1, 100, 101, 200) == pytest.approx([1, 1, 2, 2])


def test_a_step_that_was_not_recorded_is_unknown() -> None:
    """Between 100 documents at one unit and 150 at two the step may be anywhere."""
    found = infer_billing(calls([10, 100, 150], [USD, USD, 2 * USD]), by_text=False)
    assert costs(found, 100, 150) == pytest.approx([1, 2])
    assert np.isnan(found.of_calls(150)[101:150]).all()


@given(
    block=st.integers(1, 40),
    sizes=st.sets(st.integers(1, 120), min_size=1, max_size=5),
    usd=st.floats(1e-6, 10),
)
def test_a_known_cost_is_never_wrong(block: int, sizes: set[int], usd: float) -> None:
    """Whatever the API bills for a block and whichever numbers were recorded: a cost is right or unknown.

    Only calls that all fit a price per document are taken for that price, though larger blocks fit them, too.
    """
    documents = np.array(sorted(sizes))
    bills = usd * -(-documents // block)
    found = infer_billing(calls(documents.tolist(), bills.tolist()), by_text=False)
    if found.usd_per_document is not None:
        assert bills / documents == pytest.approx(found.usd_per_document)
        return
    everywhere = usd * -(-np.arange(documents[-1] + 1) // block)
    found_costs = found.of_calls(int(documents[-1]))
    known = ~np.isnan(found_costs)
    assert found_costs[known] == pytest.approx(everywhere[known])
    assert known[documents].all()


@pytest.mark.parametrize("unit", [1.0, 7.0])
def test_one_number_of_documents_says_nothing_on_others(unit: float) -> None:
    """One unit for 100 documents may be a price per call or of the documents: only that number is known."""
    found = infer_billing(calls([100, 100], [unit * USD] * 2), by_text=False)
    assert found == Billing(None, (CostStep(100, 100, pytest.approx(unit * USD)),))


def test_a_price_of_tokens_is_in_proportion_to_the_documents() -> None:
    """Texts of different lengths at one number of documents: the mean price of a document counts."""
    found = infer_billing(calls([100, 100], [USD, 3 * USD], [10, 30]), by_text=True)
    assert found.usd_per_document == pytest.approx(4 * USD / 200)


def test_a_price_of_tokens_that_are_the_same_for_each_call_is_one_per_call() -> None:
    """An API that counts the same tokens for 10 and 100 documents bills calls."""
    found = infer_billing(calls([10, 100], [USD] * 2, [7, 7]), by_text=True)
    assert costs(found, 1, 50, 100) == [1.0] * 3


@pytest.mark.parametrize(
    ("tokens", "usd_per_document"), [([100, 210, 320], 0.021), ([100, 300, 200], None), (None, None)]
)
def test_a_reported_cost_that_follows_the_tokens_is_one_of_the_text(
    tokens: list[float] | None, usd_per_document: float | None
) -> None:
    """Without a price the cost is of the text only if it is in proportion to an amount that is reported."""
    found = infer_billing(calls([10] * 3, [0.1, 0.21, 0.32], tokens), by_text=False)
    assert found.usd_per_document == (usd_per_document and pytest.approx(usd_per_document))


def test_units_that_vary_with_the_text_are_known_where_they_were_timed() -> None:
    """Long documents can bill a second unit: means at timed numbers, and between two with the same mean."""
    found = infer_billing(calls([1, 10, 100, 100], [USD, USD, USD, 2 * USD]), by_text=False)
    assert costs(found, 1, 5, 10, 100) == pytest.approx([1, 1, 1, 1.5])
    assert np.isnan(found.of_calls(100)[11:100]).all()


def test_free_calls_are_free_and_a_request_has_its_price() -> None:
    """A price of 0 is known at every recorded number; a price per request has no limit of documents."""
    assert costs(infer_billing(calls([5, 10], [0.0, 0.0]), by_text=False), 1, 10) == [0.0, 0.0]
    assert costs(fixed_per_call(USD), 0, 1, 1000) == [0.0, 1.0, 1.0]
