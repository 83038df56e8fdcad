"""What the manifest says of runs of other engines that are compared: their files, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.results.bounds import Count


@dataclass(frozen=True, slots=True)
class LatencyFile:
    """The file with the latencies of a compared run.

    Attributes
    ----------
    queries, queries_unknown
        Queries of the dataset with a latency, and without one.
    """

    path: str
    sha256: str
    queries: Count
    queries_unknown: Count


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run of another engine on one dataset: its file, and what of it takes part in the comparison.

    Attributes
    ----------
    path, sha256
        The file as configured, and the hash of its bytes, which identifies the system.
    queries, documents
        Queries of the dataset that it ranks documents for, and the number of ranked query-document pairs.
    missing_queries
        Queries of the dataset without a document in it; they count as 0.
    missing_as_zero
        Whether the configuration states that the engine returned nothing for these queries.
    other_queries
        Its queries that are not in the dataset; they are ignored.
    shortest_list, longest_list
        Fewest and most documents of a query that it ranks.
    distinct_documents, documents_not_in_corpus
        Different documents in its lists, and those among them that the corpus lacks. They keep their ranks.
    same_id_left_out
        Documents with the id of their query, removed as from the candidates.
    latencies
        The file with its latencies; None without one.
    excluded_left_out
        Documents that the dataset excludes for their query, removed as from the candidates.
    """

    tag: str
    dataset: str
    path: str
    sha256: str
    queries: Count
    missing_queries: tuple[str, ...]
    other_queries: Count
    documents: Count
    shortest_list: Count
    longest_list: Count
    distinct_documents: Count
    documents_not_in_corpus: Count
    same_id_left_out: Count
    latencies: LatencyFile | None = None
    excluded_left_out: Count = 0
    missing_as_zero: bool = False
