"""What commands say where a draw is small, differs from another one, or cannot be completed."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import evalkit
from support.corrected_articles import drawn, rate, run, write_world

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]


def test_versions_with_different_draws_say_so(tmp_path: Path) -> None:
    """Nothing is called corrected, and the next step is to rerun the earlier version."""
    config = write_world(tmp_path / "w")
    rate(config, drawn(config))
    _, before = run(config)
    config.write_text(
        config.read_text(encoding="utf-8").replace("queries: 35", "queries: 40"), encoding="utf-8"
    )
    rate(config, drawn(config))
    _, after = run(config)
    said = " ".join(evalkit("compare", before, after).stdout.split())
    assert "The two results have different draws (35 against 40 drawn queries)" in said
    assert "corrected (" not in said
    assert "next: Rerun the earlier version with the present draw" in said
    gated = " ".join(evalkit("gate", after, "--against", before).stdout.split())
    assert "have different draws (35 against 40 drawn queries)" in gated
    assert "next: Rerun the earlier version with the present draw" in gated


def test_a_small_draw_is_to_be_raised(tmp_path: Path) -> None:
    """By a gate as by a comparison; what people plan next follows what they have judged."""
    config = write_world(tmp_path / "w", "human_sample: {queries: 20, seed: 3}")
    ids = drawn(config)
    planned = ("judge", "plan", config, "--margin", "0.3")
    assert f"next: evalkit judge rate {config}" in evalkit(*planned).stdout
    rate(config, ids)
    _, result = run(config)
    gated = " ".join(evalkit("gate", result, "--against", result).stdout.split())
    assert "next: Raise human_sample until 30 of its queries have a relevant document" in gated
    assert "next: raise human_sample to {queries: " in evalkit(*planned).stdout
    assert "next: add queries, or plan with a larger --margin" in evalkit(*planned[:3]).stdout


def test_a_ranked_document_without_text_is_named(tmp_path: Path) -> None:
    """People cannot judge it, so that the human sample would stay incomplete for ever."""
    config = write_world(tmp_path / "w")
    ids = drawn(config)
    good = config.parent / "good.trec"
    text = good.read_text(encoding="utf-8").replace(f"{ids[0]} Q0 d1 ", f"{ids[0]} Q0 gone ")
    good.write_text(text, encoding="utf-8")
    said = " ".join(evalkit("judge", "plan", config).stdout.split())
    assert "1 ranked documents of drawn queries have no text and cannot be judged" in said
    assert f"'gone' of query '{ids[0]}'" in said
