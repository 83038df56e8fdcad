"""What a file of judgments holds."""

from __future__ import annotations

from evalkit.judging.rater_counts import count_raters
from evalkit.records import Judgment, Rater

ANN, MODEL = Rater("human", "ann"), Rater("model", "m", "p" * 64)


def one(doc: str, grade: float | None, rater: Rater = ANN, day: int = 1, **rest: object) -> Judgment:
    """Return a judgment of query ``q``."""
    failure = None if grade is not None else "refusal: no"
    return Judgment("q", doc, grade, rater, f"2026-11-0{day}T00:00:00+00:00", failure=failure, **rest)  # type: ignore[arg-type]


def test_raters_are_counted_apart_by_their_last_judgments() -> None:
    """Grades, failures and stale pairs are those of pairs; lines, tokens and cost those of all judgments."""
    found = count_raters(
        [
            one("a", 1, day=2), one("a", 2), one("b", 2), one("c", None), one("d", 3, doc_sha256="old"),
            one("a", 0.5, MODEL, day=3, tokens=7, cost_usd=0.25), one("a", 1.5, MODEL, day=4, tokens=7, cost_usd=0.25),
        ],
        {"q": "h"}.get,
        {"d": "new"}.get,
    )  # fmt: skip
    ann, model = found
    assert (ann.rater, ann.lines, ann.grades, ann.pairs) == (ANN, 5, {2: 2}, 2)
    assert (ann.failed, ann.stale, ann.tokens, ann.cost_usd) == (1, 1, None, None)
    assert (ann.first[:10], ann.last[:10]) == ("2026-11-01", "2026-11-02")
    assert (model.grades, model.tokens, model.cost_usd) == ({1.5: 1}, 14, 0.5)
