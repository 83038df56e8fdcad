"""What budgets of tokens did to the lists of each system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from evalkit.metrics.budget_use import BudgetUse
from evalkit.results.json_shapes import Inline, JsonObject


@dataclass(frozen=True, slots=True)
class TokenBudgetRow(JsonObject):
    """The lists of one system at the budget of one metric.

    Attributes
    ----------
    depth
        Candidates per query; None for a compared run.
    use
        Documents that fit and documents left out, over the averaged queries.
    """

    dataset: str
    reranker: str
    depth: int | None
    use: Annotated[BudgetUse, Inline.all_of(BudgetUse)]
