"""How many of the judged queries the file of a system has, in ``comparisons.json``."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.records import Coverage


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """How many of the judged queries the file of a system has.

    Attributes
    ----------
    averaged_queries, missing_queries
        Judged queries with a relevant document, and those of them that the file lacks: each counts as 0.
    queries_without_relevant
        Judged queries without a relevant document, which are left out.
    unjudged_queries
        Queries of the file that are not judged, which are left out.
    excluded_documents
        Documents of the file that the judgments exclude for their query, which are left out.
    no_document_judged
        Whether none of its documents is judged: often the judgments write the same ids in another way.
    missing_as_zero
        Whether it is stated that the engine returned nothing for the missing queries.
    """

    averaged_queries: int
    missing_queries: int
    queries_without_relevant: int
    unjudged_queries: int
    excluded_documents: int = 0
    no_document_judged: bool = False
    missing_as_zero: bool = False

    @property
    def could_change_verdict(self) -> bool:
        """Whether the file lacks judged queries, and nothing is stated about them."""
        return self.missing_queries > 0 and not self.missing_as_zero

    @classmethod
    def of(cls, coverage: Coverage, *, as_zero: bool) -> CoverageRow:
        """Count the queries of a coverage."""
        counts = len(coverage.missing), len(coverage.unanswerable), len(coverage.unjudged)
        unlike = coverage.unlike_documents is not None
        return cls(coverage.averaged, *counts, coverage.excluded_documents, unlike, as_zero)
