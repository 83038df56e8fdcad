"""Runs of other engines in a report."""

from __future__ import annotations

from dataclasses import replace

from support.documents import NO_INTERVAL, comparison, comparisons, quality, summary, tuning
from support.result_folders import MANIFEST, run_facts

from evalkit.report.cards import speed_card
from evalkit.report.comparison_sentences import cautions
from evalkit.report.decision import decide
from evalkit.report.depth_charts import depth_charts
from evalkit.report.next_step import next_step
from evalkit.report.quality import result_tables
from evalkit.report.run_tables import missing_names, run_cautions, run_latency_tables, run_tables
from evalkit.report.systems import Measured, system_rows
from evalkit.report.verdict import verdicts
from evalkit.results.comparison_document import Comparisons
from evalkit.results.coverage_row import CoverageRow
from evalkit.results.latency_quantiles import Quantile, RunLatency
from evalkit.results.summary_document import Ceiling, Summary
from evalkit.stats import Interval

MEANS = (quality("bm25", 50, 0.4), replace(quality("es", 50, 0.5), depth=None))
DATASETS = [replace(summary(datasets=["d"]).datasets[0], counts={"queries": 10})]
RUN = run_facts(
    "es", queries=8, missing_queries=("q1", "q2"), distinct_documents=90, documents_not_in_corpus=4
)


def of_run() -> Comparisons:
    """Return a run that is better than bm25 on dataset d."""
    compared = comparisons(comparison("es"))
    (entry,) = compared.datasets
    return replace(compared, datasets=(replace(entry, runs=("es",)),))


def stated(p95_s: float | None) -> Summary:
    """Return the means of bm25 and of a run, whose latency file states these seconds."""
    bounds = (None, None) if p95_s is None else (0.9 * p95_s, 1.1 * p95_s)
    p50_s = Quantile(Interval(0.02, 0.01, 0.03, 70), 6)
    latency = RunLatency("d", "es", 70, 0, p50_s, Quantile(Interval(p95_s, *bounds, 70), 59, missing=None))
    return replace(summary(MEANS, datasets=["d"]), run_latencies=(latency,))


def measured(of: Summary) -> Measured:
    """Return a result with that summary."""
    return Measured(replace(MANIFEST, runs=(RUN,)), of, tuning())


def test_every_run_is_a_row_with_its_file_and_hash() -> None:
    """Without runs there is no table."""
    (table,) = run_tables(replace(MANIFEST, runs=(RUN, run_facts("vespa"))))
    assert [row[0] for row in table.rows] == ["es", "vespa"]
    assert table.rows[0][2:6] == ("es.trec", "0123456789ab", "8", "2")
    assert run_tables(MANIFEST) == []


def test_a_warning_says_what_is_missing_in_a_run() -> None:
    """With the first queries by name, and how many documents the corpus lacks; a whole run has no warning."""
    manifest = replace(MANIFEST, runs=(RUN, run_facts("vespa")))
    missing, unknown = run_cautions(manifest, DATASETS)
    assert missing.text == "d: es has no document for 2 of 10 queries (q1, q2). They count as 0."
    assert unknown.text.startswith("d: 4 of 90 documents of es are not in the corpus.")
    many = replace(RUN, missing_queries=tuple(f"q{n}" for n in range(9)), documents_not_in_corpus=0)
    (named,) = run_cautions(replace(MANIFEST, runs=(many,)), DATASETS)
    assert "for 9 of 10 queries (q0, q1, q2, q3, q4 and 4 more)" in named.text


def test_missing_queries_that_could_change_the_verdict_are_one_warning() -> None:
    """The comparison warns of them with the first by name; where they are stated to be 0, the run does."""
    manifest = replace(MANIFEST, runs=(RUN,))
    compared = of_run()
    (entry,) = compared.datasets
    for stated in (False, True):
        row = CoverageRow(10, 2, 0, 0, missing_as_zero=stated)
        found = replace(compared, datasets=(replace(entry, coverage={"es": row}),))
        texts = [one.text for one in run_cautions(manifest, DATASETS, found)]
        texts += [one.text for one in cautions(found, missing_names(manifest))]
        (text,) = [text for text in texts if "q1, q2" in text]
        assert ("lacks 2 of 10 judged queries (q1, q2): each counts as 0." in text) != stated


def test_a_run_that_lacks_queries_has_no_difference_among_the_means() -> None:
    """Its mean is shown, and the note says why the difference is not."""
    of = replace(summary(MEANS, datasets=["d"]), ceilings=(Ceiling("d", 50, NO_INTERVAL, {"nDCG@10": 1.0}),))
    (table,) = result_tables(of, {("d", "es"), ("other", "bm25")})
    assert [row[-2] for row in table.rows] == [result_tables(of)[0].rows[0][-2], "-"]
    assert "A run that lacks judged queries has no difference" in table.note


def test_documents_with_the_id_of_their_query_are_a_warning() -> None:
    """They were left out."""
    one = run_facts("es", same_id_left_out=3)
    (found,) = run_cautions(replace(MANIFEST, runs=(one,)), DATASETS)
    assert found.text.startswith("d: 3 documents of es have the id of their query and are left out")


def test_a_run_is_never_said_to_have_candidates_of_the_first_stage() -> None:
    """Neither in the verdict nor in what was measured nor in what to do next."""
    compared, of = of_run(), measured(summary(MEANS))
    (verdict,) = verdicts(compared)
    assert (verdict.kind, "candidates" in verdict.detail) == ("adopt", False)
    decision = decide([verdict], compared)
    rows = system_rows(compared.datasets[0], compared, of)
    card = speed_card(compared, decision, rows, of, [])
    assert card.figure == "Not measured"
    assert card.lines == ("es is a run: evalkit does not call it. State its latency with `latencies:`.",)
    step = next_step(compared, decision, rows, of, "results/t/1")
    assert step.text == "es is a run. Confirm its latency and cost in its own engine before adoption."
    assert step.command is None


def test_a_stated_latency_is_shown_as_such() -> None:
    """The median where p95 is not known."""
    compared = of_run()
    for p95_s, latency, figure in ((0.05, "50.0", "50.0 ms p95"), (None, "20.0 (p50)", "20.0 ms median")):
        of = measured(stated(p95_s))
        rows = system_rows(compared.datasets[0], compared, of)
        row = next(one for one in rows if one.system == "es")
        assert (row.latency, row.latency_basis, row.depth) == (latency, "stated", None)
        card = speed_card(compared, decide(verdicts(compared), compared), rows, of, [])
        assert (card.figure, card.lines) == (figure, ("es, one query, as its latency file states.",))
    (table,) = run_latency_tables(stated(0.05))
    assert table.rows[0][:2] == ("d", "es")
    assert run_latency_tables(summary(MEANS)) == []


def test_a_run_is_a_row_of_quality_and_a_line_without_a_depth() -> None:
    """In the table of means with its own note, and across the chart of depths."""
    ceiling = Ceiling("d", 50, NO_INTERVAL, {"nDCG@10": 1.0})
    of = replace(summary([*MEANS, quality("words", 50, 0.45)], datasets=["d"]), ceilings=(ceiling,))
    (table,) = result_tables(of)
    assert [row[0] for row in table.rows] == ["bm25", "es", "words"]
    assert "Runs are evaluated with all their documents." in table.note
    (chart,) = depth_charts(of, tuning())
    rules = {mark.label: mark.at for panel in chart.panels for mark in panel.marks if hasattr(mark, "along")}
    assert rules == {"bm25 alone": 0.4, "es": 0.5}
    assert "a dotted line is a run" in chart.caption.lower()


def test_documents_that_the_dataset_excludes_are_a_warning() -> None:
    """They were left out."""
    (found,) = run_cautions(replace(MANIFEST, runs=(run_facts("es", excluded_left_out=3),)), DATASETS)
    assert found.text.startswith("d: 3 documents of es are excluded for their query by the dataset")
