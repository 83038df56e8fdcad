"""Whether a file that lacks queries ever makes a claim that the whole file does not make.

Real runs lose queries as downloads and crashed jobs lose them, and are compared with whole ones in both roles.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.promises import Promise
from support.worlds import DRAWS

from evalkit.comparison import ComparisonSet, Plan, System, compare
from evalkit.comparison.plan import Comparison
from evalkit.formats import read_qrels, read_run
from evalkit.metrics import evaluate, parse_metrics
from evalkit.records import Coverage, Qrels, Run
from evalkit.stats import sign_flip

pytestmark = pytest.mark.long

Report = Callable[[Promise], None]
Kept = NDArray[np.bool_]
METRIC = "nDCG@10"
CLAIMS = ("better", "worse")
SYSTEMS = ("ada2", "bm25", "bm25_rm3", "repllama", "splade_pp_ed", "tasb")
SHARES = (0.02, 0.04, 0.06, 0.1, 0.3, 0.7, 0.95)
"""Shares of the rows that are lost."""


def at_the_end(rng: np.random.Generator, rows: int, lost: int, _: NDArray[np.int64]) -> Kept:
    """Cut off the last rows, in the middle of a query, as an interrupted download does."""
    kept = np.ones(rows, dtype=np.bool_)
    kept[rows - max(1, lost + int(rng.integers(-9, 10))) :] = False
    return kept


def in_the_middle(rng: np.random.Generator, rows: int, lost: int, _: NDArray[np.int64]) -> Kept:
    """Lose one stretch of rows."""
    start = int(rng.integers(0, rows - lost + 1))
    return (np.arange(rows) < start) | (np.arange(rows) >= start + lost)


def clustered(rng: np.random.Generator, rows: int, lost: int, owner: NDArray[np.int64]) -> Kept:
    """Lose three stretches of whole queries, as workers that crash lose their parts."""
    queries = int(owner.max()) + 1
    gone = max(1, round(lost / rows * queries / 3))
    starts = rng.integers(0, queries, 3)
    return ~np.isin(owner, [(start + step) % queries for start in starts for step in range(gone)])


def sparse(rng: np.random.Generator, rows: int, lost: int, owner: NDArray[np.int64]) -> Kept:
    """Lose single queries here and there, as requests that time out lose them."""
    queries = int(owner.max()) + 1
    return ~np.isin(owner, rng.permutation(queries)[: max(1, round(lost / rows * queries))])


WORLDS = (at_the_end, in_the_middle, clustered, sparse)


@pytest.fixture(scope="module")
def dl19(test_data: Path) -> tuple[Qrels, Mapping[str, Run]]:
    """Return the judgments of the TREC Deep Learning track 2019, and six real runs of different kinds."""
    qrels = read_qrels(test_data / "collections" / "trec-dl19-pool" / "qrels" / "test.tsv")
    return qrels, {name: read_run(test_data / "runs" / f"dl19.{name}.top100.trec") for name in SYSTEMS}


@pytest.fixture(scope="module")
def scifact(test_data: Path) -> tuple[Qrels, Mapping[str, Run]]:
    """Return the judgments of SciFact and two rerankers' runs."""
    names = ("all-MiniLM-L6-v2", "ms-marco-MiniLM-L-6-v2")
    (file,) = test_data.glob("collections/scifact/qrels/test.tsv")
    runs = {name: read_run(test_data / "runs" / f"scifact.bm25-top100.rerank-{name}.trec") for name in names}
    return read_qrels(file), runs


def compared(qrels: Qrels, baseline: Run, contender: Run) -> Comparison:
    """Compare two files."""
    systems = {
        name: System(
            name, run, evaluate(run, qrels, parse_metrics([METRIC])), coverage=Coverage.of(run, qrels)
        )
        for name, run in (("a", baseline), ("b", contender))
    }
    (one,) = compare(ComparisonSet("d", qrels, systems), Plan("a", METRIC, resamples=999))
    return one


def naive(qrels: Qrels, baseline: Run, contender: Run) -> str:
    """Return the verdict of a test in which every missing query counts as 0."""
    values = [evaluate(run, qrels, parse_metrics([METRIC])).of(METRIC) for run in (baseline, contender)]
    differences = values[1] - values[0]
    if float(sign_flip(differences[:, None], 999).p[0]) > 0.05:
        return "not told apart"
    return "better" if differences.mean() > 0 else "worse"


def cut_off(run: Run, world: Callable[..., Kept], share: float, rng: np.random.Generator) -> Run:
    """Return a run that lost a share of its rows."""
    owner = np.repeat(np.arange(len(run.query_ids)), np.diff(run.offsets))
    return run.where(world(rng, len(run), round(share * len(run)), owner))


def count(
    collection: tuple[Qrels, Mapping[str, Run]], world: Callable[..., Kept], draws: int
) -> tuple[int, int, int, int]:
    """Return comparisons, claims that the whole files do not make (naive, and evalkit's), and evalkit's claims."""
    qrels, runs = collection
    whole = {(a, b): compared(qrels, runs[a], runs[b]).verdict for a, b in itertools.permutations(runs, 2)}
    rng = np.random.default_rng(29)
    made = wrong_before = wrong = claims = 0
    for _ in range(draws):
        cut, other = (str(name) for name in rng.permutation(list(runs))[:2])
        lost = cut_off(runs[cut], world, float(rng.choice(SHARES)), rng)
        for baseline, contender, truth in (
            (lost, runs[other], whole[cut, other]),
            (runs[other], lost, whole[other, cut]),
        ):
            before, now = naive(qrels, baseline, contender), compared(qrels, baseline, contender).verdict
            made += 1
            wrong_before += before in CLAIMS and before != truth
            wrong += now in CLAIMS and now != truth
            claims += now in CLAIMS
    return made, wrong_before, wrong, claims


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("collection", ["dl19", "scifact"])
def test_a_cut_off_file_makes_no_claim_of_its_own(
    request: pytest.FixtureRequest, report_promise: Report, collection: str, world: Callable[..., Kept]
) -> None:
    """Every *better* and *worse* is also said of the whole files, whichever side is cut off."""
    made, before, wrong, claims = count(request.getfixturevalue(collection), world, max(60, DRAWS // 4))
    where = f"{collection}, rows lost: {world.__name__.replace('_', ' ')}, either side ({claims} claims)"
    claim = "claim of a cut-off file that the whole one does not make: none"
    report_promise(Promise(where, claim, before / made, wrong / made, made))
    assert before > 0, "the world does not contain the fault"
    assert wrong == 0


@pytest.mark.parametrize("collection", ["dl19", "scifact"])
def test_whole_files_lose_no_verdict(request: pytest.FixtureRequest, collection: str) -> None:
    """A comparison of whole files is what it is without any knowledge of the files."""
    qrels, runs = request.getfixturevalue(collection)
    for a, b in itertools.permutations(runs, 2):
        one = compared(qrels, runs[a], runs[b])
        assert one.verdict == naive(qrels, runs[a], runs[b]), (a, b)
        assert (one.baseline_missing, one.contender_missing) == (0, 0)
