"""What people rate, where their judgments are written, and whose count."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.judged_articles import (
    ANNA,
    CONFIG,
    GPT,
    QUERIES,
    good_is_better,
    judged,
    pairs,
    write_folder,
    write_judgments,
)

from evalkit.config import load_config
from evalkit.datasets import open_dataset
from evalkit.errors import InputError, InputNote
from evalkit.records import Rater
from evalkit.web.active_order import ActiveOrder
from evalkit.workflows.active_rating import ActiveOrderOf
from evalkit.workflows.judge_list import list_raters
from evalkit.workflows.judge_next import find_next
from evalkit.workflows.judge_rate import open_rating_input, open_rating_page
from evalkit.workflows.judging_input import open_judging_input

BOB = Rater("human", "bob")


def zero(_query: str, _doc: str) -> float:
    """Return the grade of every pair."""
    return 0.0


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the configuration of articles, in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grades.qrels").write_text("s0 0 d0 1\n", encoding="utf-8")
    return write_folder(tmp_path)


def listed(config: Path, entries: str) -> Path:
    """Have the configuration list these judgments."""
    before, _, rest = CONFIG.partition("    judgments:\n")
    config.write_text(
        f"{before}    judgments: [{entries}]\n{rest[rest.index('judges:') :]}", encoding="utf-8"
    )
    return config


def test_people_never_write_to_a_file_with_judgments_by_models(config: Path) -> None:
    """A file that a model or a judge writes is left out, with a note where they go and that they would not count."""
    write_judgments(config.parent / "q.jsonl.judgments.jsonl", judged(GPT, pairs(["s1"]), zero))
    listed(config, "{path: q.jsonl.judgments.jsonl}, {judge: luna, path: l.jsonl}, {path: l.jsonl}")
    with pytest.warns(InputNote, match="people's are written to"):
        found = open_rating_input(config)
    assert found.files["articles"].path.name == "articles.people.jsonl"
    assert found.uncounted == ("articles",)
    listed(config, "{path: q.jsonl.judgments.jsonl}, {path: people.jsonl}")
    found = open_rating_input(config)
    assert (found.files["articles"].path.name, found.uncounted) == ("people.jsonl", ())


def test_a_rater_whose_judgments_would_not_count_is_refused(config: Path) -> None:
    """A file that counts for some people says so on the page for all, and is refused for another named rater."""
    listed(config, "{path: people.jsonl, rater: anna}")
    with pytest.warns(InputNote, match="only judgments by anna count in"):
        found = open_rating_input(config)
    with pytest.raises(InputError, match="judgments by 'bob' would not count") as raised:
        open_rating_page(found, "127.0.0.1", 0, "bob", [])
    assert raised.value.hint is not None
    assert "rater: bob}" in raised.value.hint
    listed(config, "{path: people.jsonl, rater: anna}, {path: people.jsonl, rater: bob}")
    assert open_rating_input(config).counted_people == {"articles": {"anna", "bob"}}
    listed(config, "{path: people.jsonl, rater: anna}, {path: people.jsonl}")
    assert open_rating_input(config).counted_people == {}


def test_pairs_whose_grade_a_person_gave_before_are_not_rated_again(config: Path) -> None:
    """People in an earlier file count in any case; models do not keep people from judging, nor do their own grades."""
    anna, gpt = judged(ANNA, pairs(["s1", "s2"]), zero), judged(GPT, pairs(["s4"]), zero)
    write_judgments(config.parent / "mixed.jsonl", anna, gpt)
    write_judgments(config.parent / "people.jsonl", judged(BOB, pairs(["s3"]), zero))
    listed(config, "{path: people.jsonl}, {path: mixed.jsonl}")
    every = {(one.query_id, one.doc_id) for one in open_rating_input(config).tasks}
    assert set(pairs()) <= every
    listed(config, "{path: mixed.jsonl}, {path: people.jsonl}")
    with pytest.warns(InputNote, match=f"20 of {len(every)} documents are left out: people have judged them"):
        rated = {(one.query_id, one.doc_id) for one in open_rating_input(config).tasks}
    assert every - rated == set(pairs(["s1", "s2"]))


def test_pairs_of_the_dataset_itself_are_not_rated_again(config: Path) -> None:
    """The dataset's own judgments count before those of every file, inside of the human sample, too."""
    (config.parent / "qrels.tsv").write_text("query_id\tdoc_id\tgrade\ns1\td0\t1\ns2\td1\t0\n")
    text = config.read_text(encoding="utf-8")
    own = "human_sample: {queries: 60}\n    qrels: {path: qrels.tsv}\n    judgments:"
    config.write_text(text.replace("judgments:", own, 1), encoding="utf-8")
    rated = {(one.query_id, one.doc_id) for one in open_rating_input(config).tasks}
    assert set(pairs()) - rated == {("s1", "d0"), ("s2", "d1")}


def test_a_judge_is_asked_for_pairs_that_only_later_raters_have(config: Path) -> None:
    """Grades of sources after the judge do not count once it has graded a pair, so it grades them."""
    write_judgments(config.parent / "b.jsonl", judged(GPT, pairs(["s1"]), zero))
    write_judgments(config.parent / "people.jsonl", judged(ANNA, pairs(["s2"]), zero))
    listed(config, "{path: people.jsonl}, {judge: best}, {path: b.jsonl}")
    text = config.read_text(encoding="utf-8").replace("luna:", "best:")
    config.write_text(text, encoding="utf-8")
    (found,) = open_judging_input([config]).datasets
    assert found.counted_before("best").keys() == {"s2"}
    assert found.counted_before("other").keys() == {"s1", "s2"}


def test_people_who_disagree_leave_the_dataset_readable(config: Path) -> None:
    """After an overlap the mean of both counts, and the list of raters counts the pair for each of them."""
    one = pairs(["s1"], 1)
    write_judgments(config.parent / "people.jsonl", judged(ANNA, one, zero), judged(BOB, one, lambda *_: 1.0))
    settings = load_config(str(listed(config, "{path: people.jsonl}")))
    dataset = open_dataset(settings.datasets[0])
    assert dataset.qrels.grades == {"s1": {"d0": 0.5}}
    rows = list_raters(settings, config.parent).raters
    assert [(row.rater, row.order, row.pairs, row.counted) for row in rows] == [
        ("anna", 1, 1, 1),
        ("bob", 1, 1, 1),
    ]


def test_the_active_order_asks_what_judge_next_asks(config: Path) -> None:
    """It has the pairs of `judge next` in their order, and the same probability."""
    write_judgments(config.parent / "others.jsonl", judged(ANNA, pairs(QUERIES[20:]), good_is_better))
    listed(config, "{path: people.jsonl}, {path: others.jsonl}")
    wanted = {"baseline": "bad", "contender": "good"}
    (ahead,) = find_next(open_judging_input([config], draws=False), **wanted)
    rated = open_rating_input(config, active=ActiveOrderOf(**wanted))
    assert rated.compared is not None
    order = ActiveOrder(rated.compared, rated.tasks, {})
    places = {(task.query_id, task.doc_id): rank for task in rated.tasks if (rank := order.rank(task))}
    assert sorted(places, key=places.__getitem__) == [
        (one.query_id, one.doc_id) for one in ahead.found.judgments if one.weight > 1e-12
    ]
    assert order.states["articles"].probability == ahead.found.probability
    assert rated.settled() == order.states


def test_grades_of_models_settle_nothing(config: Path) -> None:
    """However many documents a model graded: the order and the stopping rule are those without its grades."""
    listed(config, "{path: people.jsonl}, {path: others.jsonl}, {path: l.jsonl}")
    write_judgments(config.parent / "others.jsonl", judged(ANNA, pairs(QUERIES[:3], 9), zero))
    found = []
    for graded in ([], judged(GPT, pairs(), good_is_better)):
        write_judgments(config.parent / "l.jsonl", graded)
        rated = open_rating_input(config, active=ActiveOrderOf("bad", "good"))
        assert rated.compared is not None
        order = ActiveOrder(rated.compared, rated.tasks, {})
        found.append((rated.settled(), {task.key: order.rank(task) for task in rated.tasks}))
    assert found[0] == found[1]
    assert not found[0][0]["articles"].settled


def test_grades_of_the_page_are_read_once(config: Path) -> None:
    """A grade of the page replaces those of later files, which count again once it is withdrawn."""
    write_judgments(config.parent / "others.jsonl", judged(BOB, pairs(["s1"]), good_is_better))
    write_judgments(config.parent / "people.jsonl", judged(ANNA, pairs(["s1"], 1), zero))
    entries = "{path: people.jsonl}, {path: others.jsonl}"
    rated = open_rating_input(listed(config, entries), active=ActiveOrderOf("bad", "good"))
    assert rated.compared is not None
    systems = rated.compared["articles"]
    assert systems.with_answers({}).of("s1")["d0"] == 3.0
    assert systems.with_answers({("s1", "d0"): {"anna": 0.0}}).of("s1")["d0"] == 0.0


def test_an_active_order_needs_systems_and_no_sample(config: Path) -> None:
    """A table has no systems, the sample has a random order, and an unknown system is named."""
    with pytest.raises(InputError, match="has no systems to compare"):
        open_rating_input(config.parent / "searches.csv", active=ActiveOrderOf())
    with pytest.raises(InputError, match="random order"):
        open_rating_input(config, sample_only=True, active=ActiveOrderOf())
    with pytest.raises(InputError, match="unknown system 'nope'"):
        open_rating_input(config, active=ActiveOrderOf("nope"))
