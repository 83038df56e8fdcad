"""Rate limits: requests and tokens per minute of each client."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from evalkit.dialects import WireError
from evalkit.server.api_keys import Client

_MINUTE_S = 60.0
_MAX_CLIENTS = 10_000
"""Maximum number of clients with a count: anyone can send from many addresses, and memory is finite."""


class Allowance:
    """An amount per minute that refills continuously and may be used at once (a token bucket).

    Parameters
    ----------
    per_minute
        The amount.
    clock
        Returns monotonic seconds.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._left = float(per_minute)
        self._at = clock()

    def left(self) -> float:
        """Return the amount that is left now; below 0 if more was taken than there was."""
        now = self._clock()
        self._left = min(self._left + (now - self._at) * self.per_minute / _MINUTE_S, float(self.per_minute))
        self._at = now
        return self._left

    def take(self, amount: float) -> None:
        """Take an amount, even if less is left."""
        self._left = self.left() - amount

    def wait_s(self, amount: float) -> float:
        """Return the seconds until an amount is left; 0 if it is."""
        return max(amount - self.left(), 0.0) * _MINUTE_S / self.per_minute


class Limits:
    """Counts requests and tokens of every client.

    A request counts when it is admitted. Its tokens count when it is answered, because they are unknown before.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._clients: dict[str, dict[str, Allowance]] = {}

    def admit(self, client: Client) -> None:
        """Count a request.

        Raises
        ------
        WireError
            429 with the seconds to wait, if the client has no requests or tokens left.
        """
        allowances = self._allowances_of(client)
        waits = {name: allowance.wait_s(1.0) for name, allowance in allowances.items()}
        name = max(waits, key=lambda one: waits[one], default="")
        if name and waits[name] > 0:
            raise WireError(
                429,
                "rate_limit_exceeded",
                f"rate limit exceeded: {allowances[name].per_minute} {_COUNTED[name]} per minute",
                retry_after_s=waits[name],
            )
        if "RPM" in allowances:
            allowances["RPM"].take(1.0)

    def charge(self, client: Client, tokens: int) -> None:
        """Count the tokens of an answer."""
        if "TPM" in (allowances := self._allowances_of(client)):
            allowances["TPM"].take(float(tokens))

    def headers(self, client: Client) -> dict[str, str]:
        """Return the headers with the client's limits and what is left of them."""
        headers = {}
        for name, allowance in self._allowances_of(client).items():
            headers[f"X-RateLimit-Limit-{name}"] = str(allowance.per_minute)
            headers[f"X-RateLimit-Remaining-{name}"] = str(max(math.floor(allowance.left()), 0))
        return headers

    def _allowances_of(self, client: Client) -> dict[str, Allowance]:
        found = self._clients.get(client.name)
        if found is None:
            per_minute = {"RPM": client.limits.requests_per_minute, "TPM": client.limits.tokens_per_minute}
            found = {name: Allowance(limit, self._clock) for name, limit in per_minute.items() if limit}
            if len(self._clients) >= _MAX_CLIENTS:
                del self._clients[next(iter(self._clients))]
            self._clients[client.name] = found
        return found


_COUNTED = {"RPM": "requests", "TPM": "tokens"}
