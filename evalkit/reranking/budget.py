"""The budget of an experiment: kept before each call, not regretted after it."""

from __future__ import annotations

import threading

from evalkit.errors import BudgetError


class Budget:
    """Counts what calls cost, and refuses one that could cross the budget. Used from several threads.

    Parameters
    ----------
    limit_usd
        The budget; None for none.
    spent_usd
        What is spent already.
    """

    def __init__(self, limit_usd: float | None = None, spent_usd: float = 0.0) -> None:
        self._limit = limit_usd
        self._lock = threading.Lock()
        self._spent = spent_usd
        self._reserved = 0.0

    @property
    def spent_usd(self) -> float:
        """What finished calls cost."""
        return self._spent

    def reserve(self, cost_usd: float) -> None:
        """Set aside what a call may cost.

        Raises
        ------
        BudgetError
            If that, with what is spent and set aside, is more than the budget.
        """
        with self._lock:
            total = self._spent + self._reserved + cost_usd
            if self._limit is not None and total > self._limit:
                raise BudgetError(
                    f"the next call may cost ${cost_usd:.6f}; ${self._spent:.6f} of the budget of"
                    f" ${self._limit:g} are spent and ${self._reserved:.6f} are in flight",
                    "raise budget.usd, or measure less: see 'evalkit run --plan'",
                )
            self._reserved += cost_usd

    def settle(self, reserved_usd: float, cost_usd: float) -> None:
        """Replace what was set aside for a call by what it cost."""
        with self._lock:
            self._reserved -= reserved_usd
            self._spent += cost_usd
