"""Frozen records that functions pass to each other. No I/O, no clock, no network."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.records.amounts import MAX_AMOUNT, known_amount, known_count, shown_amount
    from evalkit.records.below_depth import BelowDepth, append_below
    from evalkit.records.calls import Call
    from evalkit.records.collection import ContentHash, Corpus, Dataset, DatasetOrigin, Query, Unjudged
    from evalkit.records.coverage import Coverage, GradeFacts, check_overlap
    from evalkit.records.distinct_names import Names
    from evalkit.records.document_tokens import DocumentTokens
    from evalkit.records.judged_columns import GradesByQuery, JudgedColumns
    from evalkit.records.metric_values import MetricValues
    from evalkit.records.packed_texts import PackedTexts
    from evalkit.records.qrels import Qrels
    from evalkit.records.rerank import RerankRequest, RerankResponse, ScoreKind, ServerTime, Timeline, Usage
    from evalkit.records.runs import Run
    from evalkit.records.score_ranges import RANGES, outside_range
    from evalkit.records.value_range import SHARES, ValueRange

__all__ = [
    "MAX_AMOUNT",
    "RANGES",
    "SHARES",
    "BelowDepth",
    "Call",
    "ContentHash",
    "Corpus",
    "Coverage",
    "Dataset",
    "DatasetOrigin",
    "DocumentTokens",
    "GradeFacts",
    "GradesByQuery",
    "JudgedColumns",
    "MetricValues",
    "Names",
    "PackedTexts",
    "Qrels",
    "Query",
    "RerankRequest",
    "RerankResponse",
    "Run",
    "ScoreKind",
    "ServerTime",
    "Timeline",
    "Unjudged",
    "Usage",
    "ValueRange",
    "append_below",
    "check_overlap",
    "known_amount",
    "known_count",
    "outside_range",
    "shown_amount",
]

__getattr__ = load_on_use(__name__)
