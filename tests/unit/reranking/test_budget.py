"""Spending stops before the budget is crossed."""

from __future__ import annotations

import pytest
from support.scripted import CONTEXT, Scripted, failing, item, priced, quick

from evalkit.config import Traffic
from evalkit.errors import BudgetError, CallError
from evalkit.records import Usage
from evalkit.reranking import Budget, RerankerSession, RetryingCaller, Sender


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_budget_is_never_crossed(concurrency: int) -> None:
    """Calls stop before the budget is crossed, and those that were made are all returned."""
    price = priced("usd_per_million_tokens", 1000.0)
    budget = Budget(0.1)
    reranker = Scripted(lambda _: Usage(tokens=10))  # a cent each
    session = RerankerSession("r", reranker, quick(price=price), budget=budget)
    outcomes = []
    with Sender(session, concurrency) as sender:
        sent = sender.send((item(2, str(n)) for n in range(50)), CONTEXT)
        with pytest.raises(BudgetError, match=r"budget of \$0\.1"):
            outcomes.extend(sent)
        outcomes += sender.late()
    assert budget.spent_usd == pytest.approx(0.01 * len(outcomes))
    assert budget.spent_usd <= 0.1
    assert len(reranker.sizes) == len(outcomes) >= 5


def test_a_call_of_unknown_cost_is_booked_at_what_it_may_have_cost() -> None:
    """Where the reply does not tell the amount the estimate is spent; a refusal is free, a lost reply is not."""
    price = priced("usd_per_million_tokens", 1.0)
    for answer, booked in (
        (lambda _: Usage(), True),
        (failing(9, lambda: CallError("http", "no", http_status=400)), False),
        (failing(9, lambda: CallError("broken", "gone")), True),
    ):
        budget = Budget()
        list(
            RetryingCaller(
                RerankerSession("r", Scripted(answer), Traffic(price=price), budget=budget)
            ).deliver(item(3), CONTEXT)
        )
        assert (budget.spent_usd > 0) is booked
