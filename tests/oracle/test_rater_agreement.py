"""Kappa and alpha against scikit-learn and the package krippendorff, and the figures of real judges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evalkit.formats import read_judgments, read_run
from evalkit.judging.audit import AuditPlan, audit_judge
from evalkit.judging.rater_grades import RaterGrades
from evalkit.stats import Weighting, alpha_sums, interval_alpha, kappa

RUNS = ("bm25.top100", "bm25_rm3.top100", "tasb.top100", "splade_pp_ed.top100", "repllama.top100", "ada2.top100",
        "bm25.rerank-rankvicuna-7b")  # fmt: skip


@pytest.mark.parametrize("weighting", ["unweighted", "linear", "quadratic"])
@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_that_of_scikit_learn(weighting: Weighting, seed: int) -> None:
    """With and without weights, for raters who agree more or less."""
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, 200)
    second = np.clip(first + rng.integers(-seed, seed + 1, 200), 0, 3)
    matrix = np.zeros((4, 4))
    np.add.at(matrix, (first, second), 1)
    weights = None if weighting == "unweighted" else weighting
    theirs = metrics.cohen_kappa_score(first, second, labels=[0, 1, 2, 3], weights=weights)
    assert kappa(matrix, np.arange(4.0), weighting) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_alpha_is_that_of_krippendorffs_package(seed: int) -> None:
    """For fractional grades on an interval scale."""
    package = pytest.importorskip("krippendorff")
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 7, 100) / 2
    second = np.clip(first + rng.normal(0, 0.2 + seed, 100), 0, 3)
    theirs = package.alpha(reliability_data=np.stack([first, second]), level_of_measurement="interval")
    assert interval_alpha(alpha_sums(first, second).sum(0)) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(
    ("judge", "binary", "unweighted", "linear", "holes"),
    [
        ("umbrela-gpt-4", None, 0.338, 0.472, 0),
        ("umbrela-gpt-4o", None, 0.363, 0.486, 0),
        ("binary-gpt-4", 2, 0.428, None, 2),
        ("binary-gpt-4o", 2, 0.479, None, 4),
        ("binary-llama3.2", 2, 0.262, None, 0),
    ],
)
def test_real_judges_of_the_trec_deep_learning_track(
    judge: str, binary: int | None, unweighted: float, linear: float | None, holes: int, test_data: Path
) -> None:
    """The kappas with NIST's grades that others computed from these files; holes are counted and not zeros."""
    people = read_judgments(test_data / "collections/trec-dl19-pool/qrels/test.tsv").qrels
    grades = read_judgments(test_data / f"judgments/dl19.{judge}.qrels").qrels
    found = audit_judge(
        RaterGrades(judge, "model", grades), RaterGrades("NIST", "human", people), AuditPlan(binary=binary)
    )
    assert found.agreement.kappa.estimate == pytest.approx(unweighted, abs=0.001)
    if linear is not None:
        assert found.agreement.linear_kappa.estimate == pytest.approx(linear, abs=0.001)
    assert (found.only_reference, found.only_judge) == (holes, 0)
    assert found.agreement.pairs == people.count() - holes


@pytest.mark.parametrize(
    ("judge", "bias"),
    [
        ("umbrela-gpt-4", 0.060),
        ("umbrela-gpt-4o", 0.016),
        ("binary-gpt-4o", 0.078),
        ("binary-llama3.2", 0.169),
    ],
)
def test_largest_bias_of_real_judges(judge: str, bias: float, test_data: Path) -> None:
    """The largest bias of a difference in nDCG@10 between seven real runs."""
    people = read_judgments(test_data / "collections/trec-dl19-pool/qrels/test.tsv").qrels
    grades = read_judgments(test_data / f"judgments/dl19.{judge}.qrels").qrels
    runs = [read_run(test_data / f"runs/dl19.{name}.trec") for name in RUNS]
    found = audit_judge(
        RaterGrades(judge, "model", grades), RaterGrades("NIST", "human", people), AuditPlan(), runs
    ).systems
    assert found is not None
    assert found.largest is not None
    assert abs(found.largest.bias) == pytest.approx(bias, abs=0.001)
