"""How the queries of a dataset were drawn: their frequency in the log, and the probability of the draw."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from evalkit.errors import DataFormatError
from evalkit.records.collection import DatasetOrigin, Query

SAMPLED = "judged_queries_not_sampled"
"""Count of the queries that a sample of the configuration leaves out."""


@dataclass(frozen=True, slots=True, eq=False)
class QuerySample:
    """What fields of the queries say of the draw.

    Attributes
    ----------
    fields
        Names of the fields with frequency and inclusion probability.
    frequency
        Query id -> how often it is in the log; None if no field has it.
    inclusion
        Query id -> probability in (0, 1] that the draw took it; None if no field has it.
    strata
        Query id -> stratum that it was drawn from; None if no field has it.
    """

    fields: tuple[str, ...]
    frequency: Mapping[str, float] | None = None
    inclusion: Mapping[str, float] | None = None
    strata: Mapping[str, str] | None = None

    @classmethod
    def of_queries(cls, queries: Mapping[str, Query], origin: DatasetOrigin) -> QuerySample | None:
        """Return the sample as the fields that an origin names have it; None if it names none.

        Inclusion probabilities are multiplied by the share of the queries that a sample of the configuration kept.

        Raises
        ------
        DataFormatError
            If a query lacks a field, or its value is not a number in the range; it names the query.
        """
        names = origin.frequency_field, origin.inclusion_field
        if not any(names):
            return None
        frequency, inclusion = (_numbers(queries, name) if name else None for name in names)
        left_out = origin.counts.get(SAMPLED, 0) if origin.sample else 0
        kept = len(queries) / (len(queries) + left_out) if queries else 1.0
        for query_id, value in (inclusion or {}).items():
            if value > 1:
                raise _wrong(query_id, names[1] or "", f"{value:g}", "a probability is at most 1")
        return cls(
            fields=tuple(name for name in names if name),
            frequency=frequency,
            inclusion=None if inclusion is None else {q: value * kept for q, value in inclusion.items()},
            strata=_strata(queries, origin.stratum_field),
        )


def _numbers(queries: Mapping[str, Query], name: str) -> dict[str, float]:
    """Return query id -> the positive number in a field."""
    found: dict[str, float] = {}
    for query_id, query in queries.items():
        text = query.fields.get(name, "")
        try:
            value = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if not 0 < value < math.inf:
            raise _wrong(query_id, name, text, "every query needs a number greater than 0")
        found[query_id] = value
    return found


def _strata(queries: Mapping[str, Query], name: str | None) -> dict[str, str] | None:
    if name is None:
        return None
    for query_id, query in queries.items():
        if not query.fields.get(name):
            raise _wrong(query_id, name, "", "every query needs a stratum")
    return {query_id: query.fields[name] for query_id, query in queries.items()}


def _wrong(query_id: str, name: str, text: str, hint: str) -> DataFormatError:
    has = f"has {name} {text!r}" if text else f"has no {name}"
    return DataFormatError(f"query {query_id!r} {has}", hint)
