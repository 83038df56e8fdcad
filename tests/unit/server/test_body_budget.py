"""All request bodies together have one limit."""

from __future__ import annotations

import asyncio

import pytest

from evalkit.dialects import WireError
from evalkit.server.body_budget import BodyBudget


def test_the_largest_incomplete_body_goes_first() -> None:
    """A short body passes while a long one is held back; a complete one is never rejected."""

    async def both() -> None:
        """Receive three bodies at once."""
        budget = BodyBudget(100)
        with budget.holding() as complete, budget.holding() as large, budget.holding() as small:
            async with asyncio.timeout(60) as small.limit:
                budget.grow(complete, 30)
                with pytest.raises(TimeoutError):  # noqa: PT012 - what ends early is the block
                    async with asyncio.timeout(60) as large.limit:
                        budget.grow(large, 60)
                        budget.grow(small, 20)
                        await asyncio.sleep(30)
                assert (large.is_rejected, small.is_rejected, complete.is_rejected) == (True, False, False)
                assert budget.held_bytes == 50
                with pytest.raises(WireError) as refused:
                    budget.grow(large, 1)
                assert (refused.value.status, refused.value.retry_after_s) == (503, 1.0)
                with pytest.raises(WireError):
                    budget.grow(small, 60)
        assert budget.held_bytes == 0

    asyncio.run(both())


def test_replies_that_nobody_reads_are_counted() -> None:
    """They are memory as well: what is unsent leaves less room for bodies."""
    budget = BodyBudget(100)
    budget.watch_unsent(lambda: 90)
    with budget.holding() as body, pytest.raises(WireError):
        budget.grow(body, 20)
