"""Calls over HTTP: one exchange within limits, keys struck out, the waits that servers ask for."""

from evalkit.http_client.connections import Connections, Exchange, check_address, write_json
from evalkit.http_client.retry_after import asked_wait_s, used_up_wait_s
from evalkit.http_client.secrets import Redactor, read_key

__all__ = [
    "Connections",
    "Exchange",
    "Redactor",
    "asked_wait_s",
    "check_address",
    "read_key",
    "used_up_wait_s",
    "write_json",
]
