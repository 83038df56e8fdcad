"""What each client may ask in a minute."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from evalkit.dialects import WireError
from evalkit.server.api_keys import Client

_MINUTE_S = 60.0
_MOST_CLIENTS = 10_000
"""Clients remembered; addresses are for free, memory is not."""


class Allowance:
    """So much a minute, all of it at once if need be: what was not used for a minute is there again.

    Parameters
    ----------
    per_minute
        How much.
    clock
        Seconds that only grow.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._left = float(per_minute)
        self._at = clock()

    def left(self) -> float:
        """Return what is left now; below 0 where more was taken than there was."""
        now = self._clock()
        self._left = min(self._left + (now - self._at) * self.per_minute / _MINUTE_S, float(self.per_minute))
        self._at = now
        return self._left

    def take(self, amount: float) -> None:
        """Take some, whether it is there or not."""
        self._left = self.left() - amount

    def wait_s(self, amount: float) -> float:
        """Return the seconds until so much is left; 0 where it is."""
        return max(amount - self.left(), 0.0) * _MINUTE_S / self.per_minute


class Limits:
    """Counts requests and tokens of every client.

    A request counts when it is admitted, its tokens when it is answered: nobody knows them before.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._clients: dict[str, dict[str, Allowance]] = {}

    def admit(self, client: Client) -> None:
        """Count a request.

        Raises
        ------
        WireError
            429 with the seconds to wait, if the client has used up its requests or tokens.
        """
        allowances = self._of(client)
        waits = {name: allowance.wait_s(1.0) for name, allowance in allowances.items()}
        name = max(waits, key=lambda one: waits[one], default="")
        if name and waits[name] > 0:
            raise WireError(
                429,
                "rate_limit_exceeded",
                f"{allowances[name].per_minute} {_SPELT[name]} a minute are allowed, and used up",
                retry_after_s=waits[name],
            )
        if "RPM" in allowances:
            allowances["RPM"].take(1.0)

    def charge(self, client: Client, tokens: int) -> None:
        """Count the tokens of an answer."""
        if "TPM" in (allowances := self._of(client)):
            allowances["TPM"].take(float(tokens))

    def headers(self, client: Client) -> dict[str, str]:
        """Return what the client may ask, and what is left of it."""
        told = {}
        for name, allowance in self._of(client).items():
            told[f"X-RateLimit-Limit-{name}"] = str(allowance.per_minute)
            told[f"X-RateLimit-Remaining-{name}"] = str(max(math.floor(allowance.left()), 0))
        return told

    def _of(self, client: Client) -> dict[str, Allowance]:
        found = self._clients.get(client.name)
        if found is None:
            per_minute = {"RPM": client.limits.requests_per_minute, "TPM": client.limits.tokens_per_minute}
            found = {name: Allowance(limit, self._clock) for name, limit in per_minute.items() if limit}
            if len(self._clients) >= _MOST_CLIENTS:
                del self._clients[next(iter(self._clients))]
            self._clients[client.name] = found
        return found


_SPELT = {"RPM": "requests", "TPM": "tokens"}
