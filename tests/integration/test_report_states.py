"""What a reader learns in each state of the judgments: verdict, what it rests on, what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command import evalkit
from support.judged_states import STATES, Dl19, make_result

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]


@dataclass(frozen=True)
class Outputs:
    """What a result says: the report as text on one line, what a command prints, and both summaries."""

    report: str
    compared: str
    summary: dict[str, Any]
    entry: dict[str, Any]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> dict[str, Outputs]:
    """Return what the results of all states say."""
    data, found = Dl19(test_data), {}
    for name, state in STATES.items():
        result = make_result(data, state, tmp_path_factory.mktemp("states") / "state")
        done = evalkit("compare", result)
        assert done.returncode == 0, done.stderr
        (summary,) = orjson.loads((result / "summary.json").read_bytes())["datasets"]
        (entry,) = orjson.loads((result / "comparisons.json").read_bytes())["datasets"]
        report = " ".join((result / "report.md").read_text(encoding="utf-8").split())
        found[name] = Outputs(report, " ".join(done.stdout.split()), summary, entry)
    return found


@pytest.mark.parametrize(
    ("name", "headline", "basis", "next_step"),
    [
        ("human", "Adopt: repllama ranks better than bm25", "human", "Confirm its latency"),
        ("corrected", "Adopt: repllama ranks better than bm25", "corrected", "Confirm its latency"),
        ("judge only", "Undecided: Judge only", "judge only", "Add human_sample: {queries: 40}"),
        (
            "mixed",
            "Undecided: Judge grades included",
            "mixed judgments",
            "Let people judge the other documents",
        ),
        (
            "sample incomplete",
            "Undecided: The human sample is incomplete",
            "human sample incomplete",
            "Let people judge 27 documents of 2 queries of the human sample",
        ),
        (
            "sample below 30",
            "Undecided: 20 queries that people judged are too few for a verdict",
            "corrected",
            "Raise human_sample until 30 of its queries have a relevant document",
        ),
        ("judge incomplete", "Undecided: ", None, "Ask the judge for "),
        (
            "synthetic",
            "Undecided: A model wrote most of the queries (synthetic queries)",
            "human",
            "Add queries of people",
        ),
        (
            "weighted",
            "Adopt: repllama ranks better than bm25 on the queries sampled from the log",
            "corrected",
            "Confirm its latency",
        ),
    ],
)
def test_verdict_basis_and_next_step(
    outputs: dict[str, Outputs], name: str, headline: str, basis: str | None, next_step: str
) -> None:
    """The verdict comes first, in the report and on the terminal; the JSON summary has the same state."""
    found = outputs[name]
    assert found.report.startswith(f"# dl19 **{headline}")
    assert found.compared.startswith(headline)
    assert next_step in found.report.partition("**Next:**")[2][:200]
    assert basis is None or found.summary["rests_on"] == basis
    assert STATES[name].judgments[0] == {"path": "people.jsonl"} or found.entry["judged_by"] == "judge only"


@pytest.mark.parametrize("name", STATES)
def test_a_correction_is_said_only_where_one_took_place(outputs: dict[str, Outputs], name: str) -> None:
    """No sentence of a report contradicts its verdicts."""
    found = outputs[name]
    corrected = any("corrected" in row and row["corrected"] for row in found.entry["comparisons"])
    assert corrected == (name in {"corrected", "sample below 30", "weighted"})
    assert ("of a random sample correct those of the judge" in found.report) == corrected
    assert ("corrected (" in found.report) == corrected
    assert ("no verdict rests on them" in found.report) == (
        name in {"judge only", "mixed", "sample incomplete", "judge incomplete"}
    )
    assert ("Undecided rows are indications" in found.report) == (
        "Undecided" in found.report[:40] and name != "sample below 30"
    )


@pytest.mark.parametrize("name", STATES)
def test_widths_by_human_judged_queries(outputs: dict[str, Outputs], name: str) -> None:
    """They are there where people judged a part of a draw and a judge graded, in both summaries and in the report."""
    found = outputs[name]
    drawn = STATES[name].sample is not None
    assert ("Interval by number of human-judged queries" in found.report) == drawn
    assert found.summary.get("human_widths") == found.entry.get("human_widths")
    if not drawn:
        assert "human_widths" not in found.summary
        return
    widths = {one["contender"]: one for one in found.summary["human_widths"]}
    assert widths.keys() == {"repllama", "splade"}
    # Five drawn queries have no grade of the judge yet in one state.
    judged = {"sample incomplete": 38, "sample below 30": 20, "judge incomplete": 35}.get(name, 40)
    for one in widths.values():
        assert (one["human"], one["queries"]) == (judged, 129)
        halves = [row["half_width"] for row in one["rows"]]
        assert halves == sorted(halves, reverse=True)


def test_weighted_means_of_grades_of_models_are_marked(outputs: dict[str, Outputs]) -> None:
    """In the sentences, in the table and in the JSON; nothing corrects them."""
    found = outputs["weighted"]
    assert found.entry["weighted"]["is_indication"] is True
    assert "people's grades do not correct weighted differences" not in found.report
    assert "means with unequal weights are an indication" in found.report


def test_the_widths_fit_the_intervals(outputs: dict[str, Outputs]) -> None:
    """What the plan expects at the present number is near the interval of the corrected difference itself."""
    for name in ("corrected", "weighted", "sample below 30"):
        entry = outputs[name].entry
        widths = {one["contender"]: one for one in entry["human_widths"]}
        for row in entry["comparisons"]:
            one = widths[row["contender"]]
            (now,) = [at for at in one["rows"] if at["human"] == one["human"]]
            assert (row["upper"] - row["lower"]) / 2 == pytest.approx(now["half_width"], rel=0.25)
