"""Settings of an API that do not fit its dialect."""

from __future__ import annotations

import pytest

from evalkit.dialects.fireworks import Fireworks
from evalkit.dialects.jina import Jina
from evalkit.dialects.tei import Tei
from evalkit.rerankers.dialect_checks import check_options, check_top_n


def test_an_option_must_not_set_what_the_dialect_sets() -> None:
    """The reason is that of the key: the query, or the number of results."""
    with pytest.raises(ValueError, match="must not set option 'query': the jina dialect sets it"):
        check_options(["query"], "jina", Jina())
    with pytest.raises(ValueError, match="a reply must contain every document"):
        check_options(["task", "top_n"], "jina", Jina())


def test_an_unknown_option_is_refused_only_where_the_api_refuses_it() -> None:
    """Other APIs ignore it, or know it although the documentation does not."""
    check_options(["anything"], "jina", Jina())
    with pytest.raises(ValueError, match="unknown option 'anything' of dialect fireworks"):
        check_options(["anything"], "fireworks", Fireworks())


def test_the_number_of_results_needs_a_key() -> None:
    """The message names the setting if the configuration describes the API."""
    check_top_n("jina", Jina(), described=False)
    with pytest.raises(ValueError, match="dialect tei has no key for the number of results"):
        check_top_n("tei", Tei(), described=False)
    with pytest.raises(ValueError, match=r"set shape\.top_n"):
        check_top_n("generic", Tei(), described=True)
