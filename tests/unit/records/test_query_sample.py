"""What fields of queries say of the draw."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.errors import DataFormatError
from evalkit.records import DatasetOrigin, Query, QuerySample


def origin_of(counts: dict[str, int] | None = None, **names: Any) -> DatasetOrigin:
    """Return an origin that names fields."""
    return DatasetOrigin(
        "s", "l", "english", None, "", "", counts or {}, None, exclude_same_id=False, **names
    )


def queries_of(**values: str) -> dict[str, Query]:
    """Return queries with a value in the field ``f``."""
    return {name: Query(name, name, {"f": value} if value else {}) for name, value in values.items()}


def test_numbers_of_the_named_fields_are_read() -> None:
    """Fields that are not named are not read; without a named field there is no sample."""
    queries = queries_of(a="3", b="0.5")
    assert QuerySample.of_queries(queries, origin_of()) is None
    assert QuerySample.of_queries(queries, origin_of(stratum_field="f")) is None
    found = QuerySample.of_queries(queries, origin_of(frequency_field="f", stratum_field="f"))
    assert found is not None
    assert (found.frequency, found.inclusion, found.strata) == (
        {"a": 3.0, "b": 0.5},
        None,
        {"a": "3", "b": "0.5"},
    )
    assert found.fields == ("f",)


@pytest.mark.parametrize("text", ["", "0", "-1", "nan", "inf", "many", "1_000", "1,000"])
def test_a_frequency_that_is_no_positive_number_names_its_query(text: str) -> None:
    """A weight that is missing is never 0 or 1."""
    with pytest.raises(DataFormatError, match="query 'b' has") as refused:
        QuerySample.of_queries(queries_of(a="3", b=text), origin_of(frequency_field="f"))
    assert "greater than 0" in (refused.value.hint or "")


@pytest.mark.parametrize("text", ["", "0", "1.5"])
def test_a_probability_is_above_0_and_at_most_1(text: str) -> None:
    """Every averaged query needs one."""
    with pytest.raises(DataFormatError, match="query 'b' has"):
        QuerySample.of_queries(queries_of(a="1", b=text), origin_of(inclusion_field="f"))


def test_every_query_needs_a_stratum() -> None:
    """An empty one would be a stratum of its own."""
    queries = {"a": Query("a", "a", {"n": "1", "s": "x"}), "b": Query("b", "b", {"n": "1"})}
    with pytest.raises(DataFormatError, match="query 'b' has no s"):
        QuerySample.of_queries(queries, origin_of(frequency_field="n", stratum_field="s"))


def test_a_sample_of_the_configuration_lowers_the_probabilities() -> None:
    """A query that was certain to be drawn from the log is no longer certain."""
    origin = origin_of({"judged_queries_not_sampled": 6}, inclusion_field="f")
    queries = queries_of(a="1", b="0.5")
    assert QuerySample.of_queries(queries, origin).inclusion == {"a": 1.0, "b": 0.5}  # type: ignore[union-attr]
    object.__setattr__(origin, "sample", {"queries": 2, "seed": 0})
    assert QuerySample.of_queries(queries, origin).inclusion == {"a": 0.25, "b": 0.125}  # type: ignore[union-attr]
