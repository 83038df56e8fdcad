"""The state of a draw in words: who is corrected, and what speaks against it, never both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.drawn_queries import dataset_settings_of, rated, state

from evalkit.datasets.human_sample import DrawState
from evalkit.datasets.sample_judge import NamedJudge
from evalkit.records.withheld_correction import drawn_late
from evalkit.workflows.draw_text import draw_text


def drawn_state(folder: Path) -> DrawState:
    """Return a draw with a named judge."""
    found = state(rated(dataset_settings_of(folder / "s.json"), folder, ()))
    return replace(found, sample=replace(found.sample, judge=NamedJudge("luna", {})))


def test_a_withheld_correction_is_no_correction(tmp_path: Path) -> None:
    """The text does not say that people correct a judge and that they correct nothing."""
    found = drawn_state(tmp_path)
    assert draw_text("d", found).endswith("people correct judge luna")
    withheld = draw_text("d", replace(found, withheld=drawn_late("s.json", 3)))
    assert "people correct" not in withheld
    assert "People's grades correct nothing. People had judged 3 documents" in withheld


def test_a_change_ahead_is_said(tmp_path: Path) -> None:
    """The grades so far are corrected; those of the judge as it is configured now would not be."""
    said = draw_text(
        "d", replace(drawn_state(tmp_path), judged=5, ahead="judge 'luna' is configured otherwise")
    )
    assert "people correct judge luna, of its grades so far. But judge 'luna' is configured otherwise" in said
    assert "people have judged 5 documents: once it grades as it is configured now" in said
