"""HTTP calls: one exchange with time and size limits, redaction of API keys, and waits that replies ask for."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.http_client.asked_waits import (
        asked_wait_s,
        is_rate_refusal,
        is_starting,
        named_window_s,
    )
    from evalkit.http_client.aws_credentials import AwsCredentials, region_of
    from evalkit.http_client.aws_signing import AwsSigner
    from evalkit.http_client.connections import Connections
    from evalkit.http_client.http_exchange import Exchange, check_url, encode_json
    from evalkit.http_client.private_hosts import is_on_private_network
    from evalkit.http_client.reachability import hub_access, why_unreachable
    from evalkit.http_client.retry_after import rate_limit_reset_s, retry_after_s
    from evalkit.http_client.secrets import Redactor, read_key, require_key
    from evalkit.http_client.signing import Signer

__all__ = [
    "AwsCredentials",
    "AwsSigner",
    "Connections",
    "Exchange",
    "Redactor",
    "Signer",
    "asked_wait_s",
    "check_url",
    "encode_json",
    "hub_access",
    "is_on_private_network",
    "is_rate_refusal",
    "is_starting",
    "named_window_s",
    "rate_limit_reset_s",
    "read_key",
    "region_of",
    "require_key",
    "retry_after_s",
    "why_unreachable",
]

__getattr__ = load_on_use(__name__)
