"""The draw of queries for people: random by its seed, written down once, extended as a prefix, else refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from support.drawn_queries import (
    ANNA,
    LUNA,
    MANY,
    UNJUDGED,
    asked,
    dataset_settings_of,
    enlarged,
    graded,
    rated,
    state,
)

from evalkit.config import DatasetSettings, HumanSampleSettings, JudgmentSource
from evalkit.datasets import human_sample as module
from evalkit.datasets.human_sample import human_sample, human_sample_of, read_human_sample, too_few_text
from evalkit.datasets.loading import dataset_settings
from evalkit.errors import DataFormatError, InputError, InputNote
from evalkit.formats import judgment_lines
from evalkit.records import Dataset, Judgment, Rater

BEN, GPT = Rater("human", "ben"), Rater("model", "gpt")


def test_a_draw_is_written_once_and_read_later(tmp_path: Path) -> None:
    """The file holds the draw, and a second call returns it with its time."""
    path = tmp_path / "judgments" / "d.human_sample.json"
    drawn = human_sample(path, MANY, 20, 7)
    assert len(set(drawn.query_ids)) == 20
    assert (drawn.population, drawn.drawn, drawn.seed, drawn.queries) == (200, "random", 7, 20)
    content = path.read_bytes()
    assert human_sample(path, MANY, 20, 7) == drawn == read_human_sample(path)
    assert path.read_bytes() == content


def test_a_draw_depends_on_seed_and_ids_only(tmp_path: Path) -> None:
    """Another seed draws others; the order of the queries in their file does not matter."""
    backwards = replace(MANY, queries=MANY.queries[::-1])
    one, other, again = (
        human_sample(tmp_path / f"{n}.json", data, 20, seed).query_ids
        for n, (data, seed) in enumerate([(MANY, 1), (MANY, 2), (backwards, 1)])
    )
    assert one == again != other


def test_a_larger_draw_extends_a_smaller_one(tmp_path: Path) -> None:
    """The smaller draw is its beginning, and when it was extended is written down."""
    path = tmp_path / "s.json"
    small = human_sample(path, MANY, 20, 7)
    large = human_sample(path, MANY, 50, 7)
    assert large.query_ids[:20] == small.query_ids
    assert len(large.query_ids) == 50
    assert [one.queries for one in large.extensions] == [50]
    assert large.drawn_at == small.drawn_at
    assert read_human_sample(path) == large


def test_every_query_is_drawn_equally_often(tmp_path: Path) -> None:
    """Over 400 seeds, a query is among a tenth of the queries in about a tenth of the draws."""
    few = asked({f"q{n}": f"query {n}" for n in range(10)})
    counts = dict.fromkeys((query.query_id for query in few.queries), 0)
    for seed in range(400):
        for query_id in human_sample(tmp_path / f"{seed}.json", few, 1, seed).query_ids:
            counts[query_id] += 1
    assert sum(counts.values()) == 400
    assert min(counts.values()) > 15  # 40 expected, standard deviation 6
    assert max(counts.values()) < 65


@pytest.mark.parametrize(
    ("data", "queries", "seed", "message"),
    [
        (MANY, 20, 8, "drawn with seed 7"),
        (MANY, 10, 7, "20 queries are drawn, but the configuration asks for 10"),
        (replace(MANY, queries=MANY.queries[1:]), 20, 7, "drawn from 200 queries"),
        (MANY, 201, 7, "human_sample.queries is 201"),
    ],
)
def test_another_draw_is_refused(
    tmp_path: Path, data: Dataset, queries: int, seed: int, message: str
) -> None:
    """Neither seed nor queries may change, nor may a draw shrink; the file stays as it is."""
    path = tmp_path / "s.json"
    drawn = human_sample(path, MANY, 20, 7)
    with pytest.raises(InputError, match=message):
        human_sample(path, data, queries, seed)
    assert read_human_sample(path) == drawn


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    """Chosen queries in the place of drawn ones are no random sample, and a file of something else is no draw."""
    path = tmp_path / "s.json"
    drawn = human_sample(path, MANY, 20, 7)
    path.write_text(path.read_text().replace(drawn.query_ids[0], "q999"))
    with pytest.raises(InputError, match="the file was changed"):
        human_sample(path, MANY, 20, 7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: [], "no draw of queries: must be an object"),
        (lambda _: None, "no draw of queries: must be an object"),
        (lambda _: {"query_ids": 1}, "dataset: the key is missing"),
        (lambda draw: {**draw, "judged_befor": 2}, "judged_befor: the key is unknown"),
        (lambda draw: {**draw, "query_ids": 1}, "query_ids: must be a list"),
        (lambda draw: {**draw, "queries": "20"}, "queries: input should be a valid integer"),
        (lambda draw: {**draw, "drawn_at": "once"}, "drawn_at: 'once' is no time"),
        (lambda draw: {**draw, "drawn": "by hand"}, "drawn: 'by hand' in the place of 'random'"),
        (lambda draw: {**draw, "judge": {"tag": "luna"}}, "judge.configured: the key is missing"),
        (
            lambda draw: {**draw, "extensions": [{"queries": 1, "at": ""}]},
            "extensions.0.drawn_at: the key is missing",
        ),
    ],
)
def test_a_damaged_file_names_the_key(
    tmp_path: Path, change: Callable[[dict[str, object]], object], message: str
) -> None:
    """One line says which key of the file is missing, unknown or of another type."""
    path = tmp_path / "s.json"
    human_sample(path, MANY, 20, 7)
    path.write_bytes(orjson.dumps(change(orjson.loads(path.read_bytes()))))
    with pytest.raises(DataFormatError, match=re.escape(message)):
        human_sample(path, MANY, 20, 7)
    path.write_text("{")
    with pytest.raises(DataFormatError, match="no draw of queries: invalid json"):
        human_sample(path, MANY, 20, 7)


def test_whole_clusters_are_drawn(tmp_path: Path) -> None:
    """Queries with equal texts are drawn together, and a draw ends with a whole cluster."""
    data = asked({f"q{n:02}": f"query {n // 3}" for n in range(30)})
    drawn = human_sample(tmp_path / "s.json", data, 10, 0).query_ids
    assert len(drawn) == 12
    groups = {int(query_id[1:]) // 3 for query_id in drawn}
    assert len(groups) == 4


def test_two_processes_make_one_draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A draw that another process wrote in the meantime is checked and used."""
    path = tmp_path / "s.json"
    drawn = human_sample(path, MANY, 20, 7)
    real, calls = read_human_sample, iter([True])

    def late(file: Path) -> object:
        return None if next(calls, False) else real(file)

    monkeypatch.setattr(module, "read_human_sample", late)
    assert human_sample(path, MANY, 20, 7) == drawn


def test_settings_name_the_draw(tmp_path: Path) -> None:
    """Without `human_sample` nothing is drawn; with it, the file of the settings is used."""
    settings = dataset_settings_of(tmp_path / "s.json")
    found = human_sample_of(settings, UNJUDGED)
    assert found is not None
    assert (found.sample, found.judged, found.withheld) == (read_human_sample(tmp_path / "s.json"), 0, None)
    assert human_sample_of(settings.model_copy(update={"human_sample": None}), UNJUDGED) is None


def test_a_draw_after_judging_says_so(tmp_path: Path) -> None:
    """Pairs that people had judged are counted in the file, with a note; an earlier draw and models' grades are not."""
    people, sample = tmp_path / "people.jsonl", tmp_path / "s.json"
    source = JudgmentSource(path=people)
    settings = dataset_settings_of(sample).model_copy(update={"judgments": (source, source)})
    rows = [(ANNA, "a", 1.0), (ANNA, "a", 2.0), (BEN, "a", 2.0), (BEN, "b", 0.0), (GPT, "c", 1.0)]
    lines = [Judgment("q001", doc, grade, rater, "2026-01-01T00:00:00Z") for rater, doc, grade in rows]
    people.write_bytes(judgment_lines([*lines, replace(lines[0], query_id="other")]))
    with pytest.warns(InputNote, match="people had judged 2 documents of .* before this draw was made"):
        found = human_sample_of(settings, UNJUDGED)
    assert found is not None
    assert found.sample == read_human_sample(sample)
    assert (found.sample.judged_before, orjson.loads(sample.read_bytes())["judged_before"]) == (2, 2)
    assert found.withheld is not None
    assert found.withheld.why == "drawn after judging"
    people.write_bytes(judgment_lines(lines[:1]))
    assert human_sample_of(settings, UNJUDGED) == replace(found, judged=found.judged and 1)
    sample.unlink()
    people.write_bytes(judgment_lines(lines[-1:]))
    again = human_sample_of(settings, UNJUDGED)
    assert again is not None
    assert again.sample == read_human_sample(sample) != found.sample
    assert again.withheld is None
    assert "judged_before" not in sample.read_text()


def test_the_dataset_s_own_judgments_are_people_s(tmp_path: Path) -> None:
    """A draw that is made where they are there is no random draw for a correction, even if they are of all queries."""
    with pytest.warns(InputNote, match="people had judged 200 documents"):
        found = human_sample_of(dataset_settings_of(tmp_path / "s.json"), MANY)
    assert found is not None
    assert found.withheld is not None
    assert "200 documents when the queries were drawn" in found.withheld.text


def test_only_enlargements_after_people_judged_the_draw_are_looks(tmp_path: Path) -> None:
    """Before any grade, or where people judged other queries only, it is free; the file records what was judged."""
    settings = dataset_settings_of(tmp_path / "s.json")
    first = state(settings)
    assert state(enlarged(settings, 8)).sample.enlarged == 0
    outside = next(
        q.query_id for q in MANY.queries if q.query_id not in state(enlarged(settings, 8)).sample.query_ids
    )
    settings = rated(settings, tmp_path, (outside,))
    assert state(enlarged(settings, 9)).sample.enlarged == 0
    settings = rated(settings, tmp_path, first.sample.query_ids)
    with pytest.warns(
        InputNote, match="enlarged to 12 queries after people had judged 5 documents of the first 9"
    ):
        found = state(enlarged(settings, 12))
    assert found.sample.enlarged == 1
    assert [one.judged_before for one in found.sample.extensions] == [0, 0, 5]
    assert state(enlarged(settings, 12)).sample.enlarged == 1
    (tmp_path / "s.json").write_text(
        (tmp_path / "s.json").read_text().replace('"judged_before": 5', '"judged_before": null')
    )
    assert state(enlarged(settings, 12)).sample.enlarged == 1, "unknown counts as a look"


def test_grades_that_are_hidden_from_a_draw_count(tmp_path: Path) -> None:
    """An entry with another `rater` leaves lines out of the judgments, not out of what people may have read."""
    sample = tmp_path / "s.json"
    every = rated(dataset_settings_of(sample), tmp_path, ("q001", "q002"))
    hidden = every.model_copy(
        update={"judgments": (every.judgments[0].model_copy(update={"rater": "bob"}), every.judgments[1])}
    )
    with pytest.warns(InputNote, match="people had judged 2 documents"):
        assert state(hidden).sample.judged_before == 2
    withheld = state(every).withheld
    assert withheld is not None
    assert withheld.why == "drawn after judging"
    sample.unlink()
    (tmp_path / "people.jsonl").unlink()
    ids = state(hidden).sample.query_ids
    rated(every, tmp_path, ids)
    with pytest.warns(InputNote, match="enlarged to 9 queries after people had judged 5 documents"):
        assert state(enlarged(hidden, 9)).sample.enlarged == 1


def test_an_enlargement_without_the_file_of_people_is_a_look(tmp_path: Path) -> None:
    """The dates of its lines say that they had judged by then."""
    settings = dataset_settings_of(tmp_path / "s.json")
    ids = state(settings).sample.query_ids
    listed = rated(enlarged(settings, 9), tmp_path, ids, "2026-06-01T00:00:00Z")
    file = tmp_path / "s.json"
    content = orjson.loads(file.read_bytes())
    file.write_bytes(orjson.dumps({**content, "drawn_at": "2026-01-01T00:00:00+00:00"}))
    assert state(enlarged(settings, 9)).sample.enlarged == 0
    found = state(listed)
    assert (found.sample.enlarged, found.withheld is not None) == (1, True), "no judge was named"
    assert [one.judged_before for one in found.sample.extensions] == [5]


@pytest.mark.parametrize(
    ("at", "inside", "late"),
    [
        ("2026-01-01T00:00:00Z", True, True),
        ("2026-01-01T00:00:00Z", False, False),
        ("once", True, False),
        ("2126-01-01T00:00:00+02:00", True, False),
    ],
)
def test_grades_that_are_older_than_a_draw_correct_nothing(
    tmp_path: Path, at: str, inside: bool, late: bool
) -> None:
    """A file that is listed after the draw has the dates of its lines; what has no date counts as later."""
    settings = rated(dataset_settings_of(tmp_path / "s.json"), tmp_path, ())
    drawn = state(settings).sample
    others = tuple(one.query_id for one in MANY.queries if one.query_id not in drawn.query_ids)
    found = state(rated(settings, tmp_path, drawn.query_ids if inside else others, at)).withheld
    assert (found is not None) == late
    if found is not None:
        assert found.why == "drawn after judging"
        assert f"5 documents of the draw ({tmp_path / 's.json'})" in found.text
        assert f"before it was made on {drawn.drawn_at}" in found.text


def test_what_is_not_to_be_drawn_is_read_only(tmp_path: Path) -> None:
    """Without a file there is no draw; with one neither an enlargement nor a judge is written."""
    settings = dataset_settings_of(tmp_path / "s.json")
    assert human_sample_of(settings, UNJUDGED, draws=False) is None
    state(settings)
    content = (tmp_path / "s.json").read_bytes()
    graded(tmp_path, LUNA)
    found = human_sample_of(rated(enlarged(settings, 9), tmp_path, ()), UNJUDGED, draws=False)
    assert found is not None
    assert found.sample.queries == 5
    assert (tmp_path / "s.json").read_bytes() == content


def test_a_draw_below_the_floor_of_a_verdict_is_named() -> None:
    """Thirty queries with a relevant document are needed; from 30 drawn queries on it is possible."""
    said = too_few_text("d", 29)
    assert said is not None
    assert said.startswith("d: human_sample has 29 queries: too few for a corrected verdict, which needs 30")
    assert "40 leave little room: 11 queries without a relevant document" in said
    assert too_few_text("d", 30) is None


def declared(folder: Path, ids: list[str]) -> DatasetSettings:
    """Write a file of ids that was drawn elsewhere, and return settings with it."""
    (folder / "ids.txt").write_text("\n".join(ids) + "\n")
    sample = HumanSampleSettings(path=folder / "ids.txt", drawn="random")
    return dataset_settings("demo").model_copy(update={"human_sample": sample})


@pytest.mark.filterwarnings("ignore:.*declared random by the user")
def test_a_changed_file_of_ids_is_said(tmp_path: Path) -> None:
    """More ids enlarge the draw; other ones after people's grades correct nothing until the file is restored."""
    ids = [f"q{n:03}" for n in range(10)]
    first = state(rated(declared(tmp_path, ids[:6]), tmp_path, ()))
    assert first.sample.sha256 is not None
    people = tuple(ids[:3])
    with pytest.warns(InputNote, match="ids.txt has changed: 2 more queries are drawn"):
        more = state(rated(declared(tmp_path, ids[:8]), tmp_path, people))
    assert (more.sample.enlarged, more.withheld) == (1, None)
    assert more.sample.sha256 != first.sample.sha256
    with pytest.warns(InputNote, match="lists other queries than on"):
        other = state(rated(declared(tmp_path, ids[2:]), tmp_path, people))
    assert other.withheld is not None
    assert other.withheld.why == "draw changed after judging"
    assert state(rated(declared(tmp_path, ids[:8]), tmp_path, people)) == more


@pytest.mark.parametrize("where", [".", "judgments"])
def test_two_draws_of_one_dataset_are_refused(tmp_path: Path, where: str) -> None:
    """A file of ids cannot replace the draw that evalkit recorded."""
    (tmp_path / "judgments").mkdir()
    own = tmp_path / where / "demo.human_sample.json"
    human_sample(own, MANY, 5, 1)
    with pytest.raises(InputError, match="two draws of demo"):
        state(declared(tmp_path, ["q001"]))
