"""Scores that need not be requested: which stored scores count, and for which backend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.configs import config_of
from support.experiments import api, config_for, eval_set

from evalkit.errors import ConfigError
from evalkit.experiment.known_scores import KnownScores, identities_of, row_of
from evalkit.results.raw_tables import precise_tag
from evalkit.store import ScoreKey, ScoreStore, StoredScore

IDENTITY = "backend"
DATA = eval_set(queries=2, documents=4)
TEXTS = {query.query_id: query.text for query in DATA.dataset.queries}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ScoreStore]:
    """Return an empty store."""
    with closing(ScoreStore(tmp_path / "scores.sqlite")) as opened:
        yield opened


def known(store: ScoreStore | None, *, refresh: bool = False) -> KnownScores:
    """Return the known scores of a backend with the tag r, in a session that resumes another one."""
    return KnownScores(Path("unused"), {"r": IDENTITY}, 0.0, "now", ("before",), refresh, store)


def add(
    store: ScoreStore,
    query: str,
    ranks: tuple[int, ...],
    *,
    pointwise: bool = True,
    score: float = 0.5,
    session: str | None = "other",
) -> None:
    """Store one score for each of these ranks of the list of a query, scored in one call."""
    docs = [DATA.dataset.corpus.text(f"d{rank - 1}") for rank in ranks]
    with store.transaction():
        store.add_scores(
            ScoreKey(IDENTITY, TEXTS[query], docs, pointwise),
            [score] * len(docs),
            [None] * len(docs),
            session=session,
        )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stored=st.dictionaries(st.sampled_from(["q0", "q1"]), st.frozensets(st.integers(1, 4), min_size=1)))
def test_pairs_of_a_pointwise_backend_are_known_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, stored: dict[str, frozenset[int]]
) -> None:
    """A row holds exactly the stored ranks; a query without any has no row; all are known only if none lacks."""
    with closing(ScoreStore(tmp_path_factory.mktemp("known") / "s.sqlite")) as store:
        for query, ranks in stored.items():
            add(store, query, tuple(ranks))
        rows = known(store).rows("r", DATA, DATA.candidates, pointwise=True)
        assert {query: row.known_ranks for query, row in rows.items()} == stored
        whole = stored == dict.fromkeys(TEXTS, frozenset({1, 2, 3, 4}))
        assert known(store).knows_all("r", DATA, DATA.candidates, pointwise=True) is whole


def test_a_list_of_a_listwise_backend_is_known_as_a_whole(store: ScoreStore) -> None:
    """Scores of a part of a list, or of another order, say nothing of the whole list."""
    add(store, "q0", (1, 2, 3), pointwise=False)
    add(store, "q0", (2, 1, 3, 4), pointwise=False)
    assert not known(store).rows("r", DATA, DATA.candidates, pointwise=False)
    add(store, "q0", (1, 2, 3, 4), pointwise=False)
    rows = known(store).rows("r", DATA, DATA.candidates, pointwise=False)
    assert {query: len(row.known_ranks) for query, row in rows.items()} == {"q0": 4}


def test_a_list_that_lost_one_score_is_unknown(store: ScoreStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a listwise backend the rest of the list is requested again; for a pointwise one it is known."""
    one = StoredScore(0.5, None, 1.0, None)
    monkeypatch.setattr(ScoreStore, "known", lambda _store, key: [one] * (len(key.documents) - 1) + [None])
    assert not known(store).rows("r", DATA, DATA.candidates, pointwise=False)
    rows = known(store).rows("r", DATA, DATA.candidates, pointwise=True)
    assert {query: row.known_ranks for query, row in rows.items()} == {"q0": {1, 2, 3}, "q1": {1, 2, 3}}


def test_a_score_of_zero_is_known(store: ScoreStore) -> None:
    """Unknown is NaN; 0 is a score like any other."""
    add(store, "q0", (1, 2, 3, 4), score=0.0)
    rows = known(store).rows("r", DATA, DATA.candidates, pointwise=True)
    assert rows["q0"].scores.tolist() == [0, 0, 0, 0]


def test_without_an_identity_or_a_store_nothing_is_known(store: ScoreStore) -> None:
    """A backend that only looks scores up has no identity; a store that was never made has no scores."""
    add(store, "q0", (1,))
    for asked, tag in ((known(store), "lookup"), (known(None), "r")):
        assert not asked.rows(tag, DATA, DATA.candidates, pointwise=True)
        assert not asked.knows_all(tag, DATA, DATA.candidates, pointwise=True)


def test_an_empty_list_of_candidates_is_known(store: ScoreStore) -> None:
    """There is nothing to request, for a backend with or without stored scores."""
    nothing = DATA.candidates.where(np.zeros(len(DATA.candidates), dtype=bool))
    assert known(store).knows_all("r", DATA, nothing, pointwise=True)


@pytest.mark.parametrize("session", ["now", "before", "other", None])
def test_with_refresh_only_scores_of_the_own_sessions_count(store: ScoreStore, session: str | None) -> None:
    """Whatever the clock says. Another run may store scores at the same time; without refresh they count too."""
    add(store, "q0", (1,), session=session)
    for refresh in (False, True):
        rows = known(store, refresh=refresh).rows("r", DATA, DATA.candidates, pointwise=True)
        assert len(rows) == (not refresh or session in {"now", "before"})


def test_a_row_has_a_place_for_every_candidate() -> None:
    """Unknown scores are NaN, and the place of an unknown score in a reply is None."""
    row = row_of([None, StoredScore(0.25, 3, 1.0, None), None])
    assert np.array_equal(row.scores, [np.nan, 0.25, np.nan], equal_nan=True)
    assert row.list_rank == [None, 3, None]
    assert row.known_ranks == {2}


def test_scores_of_lookups_are_not_stored() -> None:
    """`identity` and `replay` compute nothing: they have no identity, so their scores are never kept."""
    rerankers = {"api": api(), "words": {"backend": "lexical"}, "same": {"backend": "identity"}}
    assert set(identities_of(config_for(rerankers))) == {"api", "words"}


def test_a_setting_that_changes_no_score_changes_no_identity() -> None:
    """Batch size and concurrency are such settings; the model is not."""
    one, paced, other = (
        identities_of(config_for({"a": block}))["a"]
        for block in (api(), api(batch_size=3, concurrency=4), api("another"))
    )
    assert one == paced
    assert one != other


def test_a_model_with_fewer_bits_has_a_second_identity(tmp_path: Path) -> None:
    """Its scores in fp32 are stored under a tag that no configuration can use, and shared with an fp32 reranker."""
    model = {"backend": "cross_encoder", "model": "any/model", "revision": "a" * 40}
    blocks = {"half": {**model, "precision": "bf16"}, "full": {**model, "precision": "fp32"}}
    identities = identities_of(config_for(blocks))
    assert set(identities) == {"half", "full", precise_tag("half")}
    assert identities[precise_tag("half")] == identities["full"] != identities["half"]
    with pytest.raises(ConfigError):
        config_of(tmp_path, {precise_tag("half"): {"backend": "lexical"}})
