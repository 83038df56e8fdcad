"""Confidence intervals, significance tests and power. An estimate without an interval is None."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.stats.anytime import FallEvidence, fall_evidence
    from evalkit.stats.bounded import (
        are_shares,
        bounded_interval,
        difference_mean_interval,
        paired_interval,
        paired_share_interval,
    )
    from evalkit.stats.clusters import (
        Clusters,
        MeanError,
        cluster_sums,
        clusters_at,
        count_clusters,
        mean_error,
    )
    from evalkit.stats.intervals import (
        MIN_QUERIES,
        Interval,
        mean_interval,
        mean_or_none,
        none_if_nan,
        quantile_interval,
        sample_size_for_count,
        sample_size_for_quantile,
        sample_size_for_share,
        share_bounds,
        share_interval,
    )
    from evalkit.stats.noninferiority import (
        OneSidedBounds,
        level_of_two_looks,
        one_sided_bounds,
    )
    from evalkit.stats.paired import RESAMPLES, SignFlip, holm, sign_flip
    from evalkit.stats.power import (
        POWER,
        chance_of_detecting,
        detectable_range,
        deviation_range,
        minimum_detectable_effect,
        queries_needed,
        queries_needed_range,
        standard_deviation_within,
    )
    from evalkit.stats.predictive import SeenDifferences, chance_of_passing, more_queries_for
    from evalkit.stats.resampling import clustered_quantile_interval, query_weights
    from evalkit.stats.skewness import allow_for_skewness, skewness_shift

__all__ = [
    "MIN_QUERIES",
    "POWER",
    "RESAMPLES",
    "Clusters",
    "FallEvidence",
    "Interval",
    "MeanError",
    "OneSidedBounds",
    "SeenDifferences",
    "SignFlip",
    "allow_for_skewness",
    "are_shares",
    "bounded_interval",
    "chance_of_detecting",
    "chance_of_passing",
    "cluster_sums",
    "clustered_quantile_interval",
    "clusters_at",
    "count_clusters",
    "detectable_range",
    "deviation_range",
    "difference_mean_interval",
    "fall_evidence",
    "holm",
    "level_of_two_looks",
    "mean_error",
    "mean_interval",
    "mean_or_none",
    "minimum_detectable_effect",
    "more_queries_for",
    "none_if_nan",
    "one_sided_bounds",
    "paired_interval",
    "paired_share_interval",
    "quantile_interval",
    "queries_needed",
    "queries_needed_range",
    "query_weights",
    "sample_size_for_count",
    "sample_size_for_quantile",
    "sample_size_for_share",
    "share_bounds",
    "share_interval",
    "sign_flip",
    "skewness_shift",
    "standard_deviation_within",
]

__getattr__ = load_on_use(__name__)
