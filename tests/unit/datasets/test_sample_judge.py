"""The judge of a draw: named before people judge, and the same afterwards: model, prompt, scale and settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from support.drawn_queries import LUNA, UNJUDGED, dataset_settings_of, graded, rated, state

from evalkit.config import EnsembleSettings, JudgeSettings, JudgmentSource
from evalkit.datasets.human_sample import DrawState, human_sample_of, read_human_sample
from evalkit.judges.chat_judge import ChatJudge
from evalkit.judges.replay import Replay
from evalkit.records import Rater


@pytest.mark.parametrize(
    "other",
    [
        replace(LUNA, prompt_sha256="bb" * 32),
        replace(LUNA, scale="0: no\n1: maybe\n2: yes"),
        replace(LUNA, settings={"model": "gpt-5", "temperature": 0}),
    ],
)
@pytest.mark.parametrize("judged", [True, False])
def test_a_judge_may_change_until_people_have_judged(tmp_path: Path, other: Rater, judged: bool) -> None:
    """Another prompt, scale or model after their grades corrects nothing, and the named one does again."""
    settings = rated(dataset_settings_of(tmp_path / "s.json"), tmp_path, ())
    graded(tmp_path, LUNA)
    first = state(settings)
    assert first.sample.judge is not None
    assert (first.sample.judge.tag, first.withheld) == ("luna", None)
    settings = rated(settings, tmp_path, first.sample.query_ids if judged else ())
    assert state(settings).withheld is None
    graded(tmp_path, LUNA, other)
    found = state(settings).withheld
    assert (found is not None) == judged
    if found is not None:
        assert found.why == "judge changed after judging"
        assert str(tmp_path / "s.json") in found.text
        graded(tmp_path, LUNA, other, replace(LUNA, name="gpt-2026-01-01"))
        assert state(settings).withheld is None


def test_a_judge_that_has_not_answered_is_known_by_its_settings(tmp_path: Path) -> None:
    """Its first answers are taken if the settings are those of the draw; others after people's grades are not."""
    settings = rated(dataset_settings_of(tmp_path / "s.json"), tmp_path, ())
    judges = {name: Replay.Settings(backend="replay", path=tmp_path / name) for name in ("a", "b")}

    def of(name: str) -> DrawState:
        found = human_sample_of(settings, UNJUDGED, {"luna": judges[name]})
        assert found is not None
        return found

    first = of("a")
    settings = rated(settings, tmp_path, first.sample.query_ids)
    graded(tmp_path, Rater("model", "a"))
    changed = of("b").withheld
    assert changed is not None
    assert "settings of judge 'luna', or a file that they name, were changed" in changed.text
    assert of("a").withheld is None
    assert of("b").withheld is None, "the grades that count are those of the named rater"


def test_first_grades_after_people_judged_are_of_the_named_rater(tmp_path: Path) -> None:
    """Any model's grades could be put in the place of the judge's: name, prompt, scale and settings must fit."""
    settings = rated(dataset_settings_of(tmp_path / "s.json"), tmp_path, ())
    chat = ChatJudge.Settings(backend="chat", url="http://localhost:1/v1", model="gpt")
    known = chat.known_rater

    def of(rater: Rater, judges: dict[str, JudgeSettings]) -> DrawState:
        graded(tmp_path, rater)
        found = human_sample_of(settings, UNJUDGED, judges)
        assert found is not None
        return found

    first = human_sample_of(settings, UNJUDGED, {"luna": chat})
    assert first is not None
    settings = rated(settings, tmp_path, first.sample.query_ids)
    used = {**known.settings, "constrained": "off", "seed": "refused"}
    for other in (
        replace(known, prompt_sha256="0" * 64),
        replace(known, scale="0: no\n1: yes"),
        replace(known, settings={**used, "model": "other"}),
        Rater("model", "gpt"),
    ):
        withheld = of(other, {"luna": chat}).withheld
        assert withheld is not None
        assert withheld.why == "judge changed after judging"
        assert "The first grades of judge 'luna' are of" in withheld.text
    assert of(known, {}).withheld is not None, "settings that are unknown name no rater"
    answered = of(replace(known, name="gpt-2026-01-01", settings=used), {"luna": chat})
    assert answered.withheld is None
    assert answered.sample == read_human_sample(tmp_path / "s.json")
    assert answered.sample.judge is not None
    assert answered.sample.judge.rater is not None


def test_a_change_is_foreseen_before_the_judge_grades(tmp_path: Path) -> None:
    """Other settings than those of the graded documents are said before a call is paid, if people have judged."""
    settings = rated(dataset_settings_of(tmp_path / "s.json"), tmp_path, ())
    chat = ChatJudge.Settings(backend="chat", url="http://localhost:1/v1", model="gpt")
    other = chat.model_copy(update={"instruction": "Only exact answers."})

    def of(now: JudgeSettings) -> DrawState:
        found = human_sample_of(settings, UNJUDGED, {"luna": now})
        assert found is not None
        return found

    graded(tmp_path, replace(chat.known_rater, name="gpt-2026-01-01"))
    ids = of(chat).sample.query_ids
    assert of(other).ahead is None, "people have not judged, so the judge may change"
    settings = rated(settings, tmp_path, ids)
    assert (of(chat).ahead, of(chat).withheld) == (None, None)
    changed = of(other)
    assert changed.withheld is None, "the grades so far are those of the recorded judge"
    assert changed.ahead is not None
    assert "judge 'luna' is configured with another model, prompt, scale or settings" in changed.ahead


def test_members_of_an_ensemble_are_those_that_the_draw_names(tmp_path: Path) -> None:
    """Its first grades after people judged are combined from the members as they were configured."""
    settings = rated(dataset_settings_of(tmp_path / "s.json"), tmp_path, ())
    chat = ChatJudge.Settings(backend="chat", url="http://localhost:1/v1", model="gpt")
    replay = Replay.Settings(backend="replay", path=tmp_path / "sol")
    mean = EnsembleSettings(backend="ensemble", judges=("gpt", "sol"))
    judges = {"luna": mean, "gpt": chat, "sol": replay}
    first = human_sample_of(settings, UNJUDGED, judges)
    assert first is not None
    settings = rated(settings, tmp_path, first.sample.query_ids)
    forms = {"gpt": chat.known_rater.form, "sol": replay.known_rater.form}
    other = replace(chat.known_rater, settings={**chat.known_rater.settings, "model": "other"})
    for members, fits in ((forms, True), ({**forms, "gpt": other.form}, False)):
        rater = replace(mean.known_rater, settings={**mean.known_rater.settings, "members": members})
        graded(tmp_path, rater)
        found = human_sample_of(settings, UNJUDGED, judges, draws=False)
        assert found is not None
        assert (found.withheld is None) == fits
    changed = {**judges, "gpt": chat.model_copy(update={"model": "other"})}
    found = human_sample_of(settings, UNJUDGED, changed, draws=False)
    assert found is not None
    assert found.withheld is not None


def test_a_file_of_a_replayed_judge_stays_as_it_is(tmp_path: Path) -> None:
    """Its content is its configuration: changed after people judged, it corrects nothing, graded or not."""
    file, settings = tmp_path / "a", rated(dataset_settings_of(tmp_path / "s.json"), tmp_path, ())
    judges = {"luna": Replay.Settings(backend="replay", path=file)}
    file.write_text("q001 0 d 1\n")

    def withheld() -> str:
        found = human_sample_of(settings, UNJUDGED, judges)
        assert found is not None
        return "" if found.withheld is None else found.withheld.text

    assert not withheld()
    file.write_text("q001 0 d 2\n")
    assert not withheld(), "no person has judged"
    drawn = read_human_sample(tmp_path / "s.json")
    assert drawn is not None
    settings = rated(settings, tmp_path, drawn.query_ids)
    file.write_text("q001 0 d 3\n")
    assert "or a file that they name, were changed" in withheld()
    file.write_text("q001 0 d 2\n")
    graded(tmp_path, Rater("model", "a"))
    assert not withheld()
    file.write_text("q001 0 d 3\n")
    assert "The file that 'path' of judge 'luna' names was changed" in withheld()


def test_a_draw_of_an_earlier_version_names_no_judge(tmp_path: Path) -> None:
    """After people have judged, the message says so, and what to do; before, the judge is written down."""
    settings = rated(dataset_settings_of(tmp_path / "s.json"), tmp_path, ())
    ids = state(settings).sample.query_ids
    content = orjson.loads((tmp_path / "s.json").read_bytes())
    for people in ((), ids):
        (tmp_path / "s.json").write_bytes(orjson.dumps({k: v for k, v in content.items() if k != "judge"}))
        found = state(rated(settings, tmp_path, people))
        assert (found.withheld is None) == (not people)
    assert found.withheld is not None
    assert found.withheld.why == "judge named after judging"
    assert "names no judge: 'luna' was listed later" in found.withheld.text
    assert "the queries that people have not judged to a dataset of another name" in found.withheld.text


def test_a_judge_is_named_before_people_judge(tmp_path: Path) -> None:
    """One that is listed afterwards, or another one of several, corrects nothing."""
    settings = dataset_settings_of(tmp_path / "s.json")
    first = state(settings)
    late = rated(settings, tmp_path, first.sample.query_ids)
    found = state(late).withheld
    assert found is not None
    assert found.why == "judge named after judging"
    (tmp_path / "s.json").unlink()
    named = rated(settings, tmp_path, ())
    first = state(named)
    sol = rated(settings, tmp_path, first.sample.query_ids).model_copy(
        update={
            "judgments": (
                JudgmentSource(path=tmp_path / "people.jsonl"),
                JudgmentSource(judge="sol", path=tmp_path / "x"),
            )
        }
    )
    changed = state(sol).withheld
    assert changed is not None
    assert changed.text.startswith("The judge was 'luna' and is 'sol', and people had judged 5 documents")
