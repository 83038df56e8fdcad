"""The budget of an experiment, checked before each call."""

from __future__ import annotations

import threading

from evalkit.errors import BudgetError


class Budget:
    """Counts the cost of calls, and refuses calls that could exceed the budget. Thread-safe.

    Parameters
    ----------
    limit_usd
        The budget; None for no limit.
    spent_usd
        Amount spent before.
    """

    def __init__(self, limit_usd: float | None = None, spent_usd: float = 0.0) -> None:
        self._limit = limit_usd
        self._lock = threading.Lock()
        self._spent = spent_usd
        self._reserved = 0.0

    @property
    def spent_usd(self) -> float:
        """Cost of the finished calls, including the amount spent before."""
        return self._spent

    @property
    def committed_usd(self) -> float:
        """Cost of the finished calls, and the most that calls in flight may cost."""
        with self._lock:
            return self._spent + self._reserved

    def reserve(self, cost_usd: float) -> None:
        """Reserve the maximum cost of a call.

        Raises
        ------
        BudgetError
            If spent, reserved and new amounts together exceed the budget.
        """
        with self._lock:
            total = self._spent + self._reserved + cost_usd
            if self._limit is not None and total > self._limit:
                raise BudgetError(
                    f"the next call may cost ${cost_usd:.6f}; ${self._spent:.6f} of the budget of"
                    f" ${self._limit:g} are spent and ${self._reserved:.6f} are in flight",
                    "raise budget.usd, or reduce the experiment ('evalkit run --plan' shows its calls)",
                )
            self._reserved += cost_usd

    def settle(self, reserved_usd: float, cost_usd: float) -> None:
        """Replace the reserved amount of a call by its actual cost."""
        with self._lock:
            self._reserved -= reserved_usd
            self._spent += cost_usd
