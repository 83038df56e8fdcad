"""Frozen records that functions pass to each other. No I/O, no clock, no network."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.records.amounts import MAX_AMOUNT, known_amount, known_count, shown_amount
    from evalkit.records.below_depth import BelowDepth, append_below
    from evalkit.records.calls import Call
    from evalkit.records.chosen_judgments import (
        QRELS,
        ChosenJudgments,
        JudgmentsOfSource,
        RaterShare,
        RatersOfPairs,
        choose_judgments,
    )
    from evalkit.records.collection import ContentHash, Corpus, Dataset, DatasetOrigin, Query, Unjudged
    from evalkit.records.coverage import Coverage, GradeFacts, check_overlap
    from evalkit.records.distinct_names import Names
    from evalkit.records.document_tokens import DocumentTokens
    from evalkit.records.judged_columns import (
        Grades,
        GradesByQuery,
        JudgedColumns,
        grade_column,
        grade_text,
        plain_grade,
        shown_grade,
    )
    from evalkit.records.judgments import (
        JudgedBy,
        Judgment,
        Rater,
        RaterKind,
        current_judgments,
        current_rater,
        fewest_people,
        is_current,
        judged_by,
        known_judged_by,
        seconds_of,
        text_sha256,
        texts_digest,
        time_order,
        utc_text,
    )
    from evalkit.records.metric_values import MetricValues
    from evalkit.records.packed_texts import PackedTexts
    from evalkit.records.qrels import RELEVANT_GRADE, Qrels
    from evalkit.records.query_sample import QuerySample
    from evalkit.records.rerank import RerankRequest, RerankResponse, ScoreKind, ServerTime, Timeline, Usage
    from evalkit.records.runs import Run
    from evalkit.records.score_ranges import RANGES, outside_range
    from evalkit.records.value_range import SHARES, ValueRange

__all__ = [
    "MAX_AMOUNT",
    "QRELS",
    "RANGES",
    "RELEVANT_GRADE",
    "SHARES",
    "BelowDepth",
    "Call",
    "ChosenJudgments",
    "ContentHash",
    "Corpus",
    "Coverage",
    "Dataset",
    "DatasetOrigin",
    "DocumentTokens",
    "GradeFacts",
    "Grades",
    "GradesByQuery",
    "JudgedBy",
    "JudgedColumns",
    "Judgment",
    "JudgmentsOfSource",
    "MetricValues",
    "Names",
    "PackedTexts",
    "Qrels",
    "Query",
    "QuerySample",
    "Rater",
    "RaterKind",
    "RaterShare",
    "RatersOfPairs",
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
    "choose_judgments",
    "current_judgments",
    "current_rater",
    "fewest_people",
    "grade_column",
    "grade_text",
    "is_current",
    "judged_by",
    "known_amount",
    "known_count",
    "known_judged_by",
    "outside_range",
    "plain_grade",
    "seconds_of",
    "shown_amount",
    "shown_grade",
    "text_sha256",
    "texts_digest",
    "time_order",
    "utc_text",
]

__getattr__ = load_on_use(__name__)
