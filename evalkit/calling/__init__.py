"""Calls over HTTP: one exchange within limits, keys struck out, the waits that servers ask for."""

from evalkit.calling.addresses import check_address
from evalkit.calling.connections import Connections, Exchange, write_json
from evalkit.calling.secrets import Redactor, read_key
from evalkit.calling.waiting import asked_wait_s, used_up_wait_s

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
