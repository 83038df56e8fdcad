"""Confidence intervals, significance tests and power. An estimate without an interval is None."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.stats.anytime import FallEvidence, fall_evidence
    from evalkit.stats.bounded import (
        are_shares,
        bounded_interval,
        difference_mean_interval,
        has_few_values,
        paired_interval,
        paired_share_interval,
    )
    from evalkit.stats.chance_agreement import (
        FEWEST_CLUSTERS,
        Weighting,
        alpha_sums,
        bootstrap_interval,
        interval_alpha,
        kappa,
    )
    from evalkit.stats.clusters import (
        Clusters,
        MeanError,
        cluster_sums,
        clusters_at,
        count_clusters,
        mean_error,
    )
    from evalkit.stats.correction_plan import (
        ASSUMED_CORRELATION,
        ASSUMED_DEVIATION,
        FEWEST_OF_PILOT,
        CorrectionPlan,
        correlation_range,
        pilot_correlation,
    )
    from evalkit.stats.inclusion import equal_allocation, proportional_probabilities, systematic_draw
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
        student_interval,
    )
    from evalkit.stats.noninferiority import (
        OneSidedBounds,
        level_of_two_looks,
        one_sided_bounds,
        student_bounds,
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
    from evalkit.stats.prediction_powered import (
        CorrectedMeans,
        corrected_means,
        fill_failed,
    )
    from evalkit.stats.predictive import SeenDifferences, chance_of_passing, more_queries_for
    from evalkit.stats.resampling import clustered_quantile_interval, query_weights
    from evalkit.stats.simultaneous import simultaneous_quantile
    from evalkit.stats.skewness import SkewedMean, allow_for_skewness, skewness_shift, third_cumulant
    from evalkit.stats.unseen_errors import FEWEST_ERRORS
    from evalkit.stats.weighted import DrawnWeights, weighted_mean

__all__ = [
    "ASSUMED_CORRELATION",
    "ASSUMED_DEVIATION",
    "FEWEST_CLUSTERS",
    "FEWEST_ERRORS",
    "FEWEST_OF_PILOT",
    "MIN_QUERIES",
    "POWER",
    "RESAMPLES",
    "Clusters",
    "CorrectedMeans",
    "CorrectionPlan",
    "DrawnWeights",
    "FallEvidence",
    "Interval",
    "MeanError",
    "OneSidedBounds",
    "SeenDifferences",
    "SignFlip",
    "SkewedMean",
    "Weighting",
    "allow_for_skewness",
    "alpha_sums",
    "are_shares",
    "bootstrap_interval",
    "bounded_interval",
    "chance_of_detecting",
    "chance_of_passing",
    "cluster_sums",
    "clustered_quantile_interval",
    "clusters_at",
    "corrected_means",
    "correlation_range",
    "count_clusters",
    "detectable_range",
    "deviation_range",
    "difference_mean_interval",
    "equal_allocation",
    "fall_evidence",
    "fill_failed",
    "has_few_values",
    "holm",
    "interval_alpha",
    "kappa",
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
    "pilot_correlation",
    "proportional_probabilities",
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
    "simultaneous_quantile",
    "skewness_shift",
    "standard_deviation_within",
    "student_bounds",
    "student_interval",
    "systematic_draw",
    "third_cumulant",
    "weighted_mean",
]

__getattr__ = load_on_use(__name__)
