"""What commands say where a draw is small, differs from another one, or cannot be completed."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import evalkit
from support.corrected_articles import against, drawn, rate, run, write_world, wrong
from support.judged_articles import GPT, judged, pairs, write_judgments, write_replayed
from support.tiny_tokenizers import bert_tokenizer

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
    assert "The two results have different human samples (of 35 and of 40 queries)" in said
    assert "corrected (" not in said
    assert "next: Rerun the earlier version with the present draw" in said
    gated = " ".join(evalkit("gate", after, "--against", before).stdout.split())
    assert "have different human samples (of 35 and of 40 queries)" in gated
    assert "next: Rerun the earlier version with the present draw" in gated


def test_a_small_draw_is_to_be_raised(tmp_path: Path) -> None:
    """By a gate as by a comparison; what people plan next follows what they have judged."""
    config = write_world(tmp_path / "w", "human_sample: {queries: 20, seed: 3}")
    ids = drawn(config)
    planned = ("judge", "plan", config, "--margin", "0.3")
    before = evalkit(*planned).stdout
    assert "next: raise human_sample to {queries: " in before
    assert f"now: it costs nothing before people judge; then evalkit judge rate {config}" in before
    rate(config, ids)
    _, result = run(config)
    gated = " ".join(evalkit("gate", result, "--against", result).stdout.split())
    assert "next: Raise human_sample until 30 of its queries have a relevant document" in gated
    after = evalkit(*planned).stdout
    assert "next: raise human_sample to {queries: " in after
    assert (
        "at a price, as people have judged: corrected verdicts are then tested at 1/2 of the level" in after
    )
    assert "next: add queries, or plan with a larger --margin" in evalkit(*planned[:3]).stdout


def test_a_ranked_document_without_text_is_named(tmp_path: Path) -> None:
    """People cannot judge it, so that the human sample would stay incomplete for ever."""
    config = write_world(tmp_path / "w")
    ids = drawn(config)
    good = config.parent / "good.trec"
    text = good.read_text(encoding="utf-8").replace(f"{ids[0]} Q0 d1 ", f"{ids[0]} Q0 gone ")
    good.write_text(text, encoding="utf-8")
    said = " ".join(evalkit("judge", "plan", config).stdout.split())
    assert "1 ranked document of the human sample has no text and cannot be judged" in said
    assert f"'gone' of query '{ids[0]}'" in said


def test_a_metric_at_a_budget_of_tokens_is_corrected(tmp_path: Path) -> None:
    """The report has the audit of the judge, and audit, plan and next step work on the result."""
    pytest.importorskip("tokenizers")
    config = write_world(tmp_path / "w")
    (tmp_path / "w" / "bert").mkdir()
    bert_tokenizer(tmp_path / "w" / "bert")
    text = config.read_text(encoding="utf-8").replace("[nDCG@5]", "[nDCG@40t]")
    config.write_text(f"{text}tokenizer: bert\n", encoding="utf-8")
    rate(config, drawn(config))
    _, result = run(config)
    assert against(result)["corrected"]["human"] == 35
    assert "Means over the 35 queries" in (result / "report.md").read_text(encoding="utf-8")
    for words in (("audit", result), ("plan", result), ("next", result), ("plan", config), ("audit", config)):
        done = evalkit("judge", *words)
        assert done.returncode == 0, done.stderr


def test_judgments_by_subtopic_correct_nothing_and_say_so(tmp_path: Path) -> None:
    """The judge has no subtopics: the reason and what to do are in the verdict and in a gate."""
    config = write_world(tmp_path / "w")
    rate(config, drawn(config))
    (tmp_path / "w" / "own.qrels").write_text("s0 1 d1 1\ns0 2 d6 1\n", encoding="utf-8")
    text = config.read_text(encoding="utf-8").replace(
        "    human_sample", "    qrels: {path: own.qrels}\n    human_sample"
    )
    config.write_text(text, encoding="utf-8")
    printed, result = run(config)
    assert against(result)["verdict"] == "undecided: mixed judgments"
    assert "judgments are by subtopic" in printed
    assert "judgments are by subtopic" in " ".join(
        evalkit("gate", result, "--against", result).stdout.split()
    )


def test_a_dataset_without_a_draw_is_named_where_another_one_is_corrected(tmp_path: Path) -> None:
    """The next step is a draw for it, and not the complete one; their mean is an indication, and not corrected."""
    folder = tmp_path / "w"
    config = write_replayed(folder)
    text = config.read_text(encoding="utf-8")
    head, block = text[: text.index("  - source")], text[text.index("  - source") : text.index("judges:")]
    rest = text[text.index("judges:") :].split("runs:")[0] + text[text.index("rerankers:") :]
    other = block.replace("articles", "others").replace("      - {path: people.jsonl}\n", "")
    drawn_block = block.replace("    judgments:", "    human_sample: {queries: 35, seed: 3}\n    judgments:")
    config.write_text(f"{head}{drawn_block}{other}{rest}compare: {{baseline: poor}}\n", encoding="utf-8")
    (folder / "grades.qrels").write_text("s0 1 d1 1\n", encoding="utf-8")
    for name in ("articles", "others"):
        file = folder / "judgments" / f"{name}.luna.jsonl"
        write_judgments(file, judged(GPT, pairs(documents=20), wrong))
    rate(config, drawn(config))
    printed, result = run(config)
    assert "next: Add human_sample: {queries: 40} to others" in printed
    report = (result / "report.md").read_text(encoding="utf-8")
    (pooled,) = [line for line in report.splitlines() if line.startswith("- mean of 2 datasets: fine")]
    assert "undecided because models gave all judgments" in pooled
    assert "corrected (" not in pooled
