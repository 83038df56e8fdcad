"""Run the service until it is stopped."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from evalkit.config import RerankerSettings, ServiceSettings
from evalkit.errors import InputError, MissingExtraError, printable
from evalkit.listening import host_in_url, listen
from evalkit.rerankers import open_reranker
from evalkit.server.log_output import LogWriter, fill_standard_descriptors, never_blocking_output
from evalkit.server.watchdog import Watchdog, ended_by_sigint

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from evalkit.server.applied_rules import AppliedRule
    from evalkit.server.models import Models

READY = "evalkit serves "
"""Start of the line that announces that the service accepts requests; names and address follow."""
_BACKLOG = 2048
_LAST_FLUSH_S = 0.5


def serve(
    rerankers: Mapping[str, RerankerSettings],
    settings: ServiceSettings,
    *,
    dialect: str,
    host: str,
    port: int,
    api_key: str | None,
    any_name: bool,
    rules: Mapping[str, AppliedRule] | None = None,
) -> None:
    """Serve backends until interrupted; print the address and what scores mean once requests are accepted.

    Parameters
    ----------
    rerankers
        Model name -> backend.
    settings
        Limits, queueing and batching.
    dialect
        Wire format of ``/v1/rerank``.
    host, port
        Where to listen; port 0 selects a free port.
    api_key
        The required API key; None for no key.
    any_name
        Whether a single backend is served under every model name.
    rules
        Model name -> depth, threshold and probability function to apply.

    Raises
    ------
    MissingExtraError
        If the server's packages are not installed.
    InputError
        If no client can send the API key.
    StorageError
        If the service cannot listen on the address.
    """
    _require_server()
    from evalkit import registry
    from evalkit.server.app import build_app
    from evalkit.server.browser_checks import BrowserChecks

    wire = registry.lookup("dialect", dialect)()
    _require_sendable(api_key)
    fill_standard_descriptors()
    listener = listen(host, port, _BACKLOG)
    place = f"{host_in_url(host)}:{listener.getsockname()[1]}"
    address = f"http://{place}{wire.served_path(next(iter(rerankers)))}"
    with never_blocking_output() as writers:
        with ended_by_sigint():
            opened = {name: open_reranker(one) for name, one in rerankers.items()}
        notice, checks = threading.Event(), BrowserChecks.of(settings, listener.getsockname()[0], host)
        app = build_app(
            opened, dialect, settings,
            api_key=api_key, any_name=any_name, closing=notice.is_set, rules=rules, checks=checks,
        )  # fmt: skip
        app.state.metrics.watch_log(lambda: sum(writer.dropped for writer in writers))
        ready = f"{READY}{', '.join(rerankers)} at {address}"
        _run(app, listener, settings, notice, (ready, *_scores_lines(app.state.models, rules or {})), writers)


def _run(
    app: Starlette,
    listener: socket.socket,
    settings: ServiceSettings,
    notice: threading.Event,
    announcement: Sequence[str],
    writers: Sequence[LogWriter],
) -> None:
    """Run the server; end within the times of the shutdown, whatever a backend does."""
    from evalkit.server.uvicorn_server import run

    if settings.access_log:
        _log_to_stderr("evalkit.server.access")

    def announce() -> None:
        if sys.stdout is not None:
            sys.stdout.write("".join(f"{printable(line)}\n" for line in announcement))
            sys.stdout.flush()

    def tell(line: str) -> None:
        if sys.stderr is not None:
            sys.stderr.write(line)

    def flush() -> None:
        for writer in writers:
            writer.flush(_LAST_FLUSH_S)

    watchdog = Watchdog(tell, flush)
    before = set(threading.enumerate())
    run(app, listener, settings, notice, announce, watchdog.start)
    if not app.state.models.close():
        watchdog.end()
    if all(thread.daemon for thread in set(threading.enumerate()) - before):
        watchdog.cancel()  # else Python waits for a thread of the backend


def _scores_lines(models: Models, rules: Mapping[str, AppliedRule]) -> Iterator[str]:
    """Yield a line for each model that says how its scores are mapped."""
    for name in models.names:
        tuned = name in rules and rules[name].rule.probability is not None
        how = "probabilities, by the function of --apply" if tuned else models.scale_of(name).sentence()
        yield f"scores of {name!r}: {how}"


def _require_server() -> None:
    """Raise a `MissingExtraError` if the packages of the server are not installed."""
    try:
        import prometheus_client  # noqa: F401 - only to check that it is installed
        import starlette  # noqa: F401 - as above
        import uvicorn  # noqa: F401 - as above
    except ImportError:
        raise MissingExtraError("evalkit serve", "server") from None


def _require_sendable(api_key: str | None) -> None:
    """Raise an `InputError` for a key that no client can send: a header holds visible ASCII characters."""
    if not all("!" <= character <= "~" for character in api_key or ""):
        raise InputError(
            "the API key has a space, a line break or a character that is not ASCII: no client can send it in a header",
            "set the variable of --api-key-env to a key of visible ASCII characters",
        )


def _log_to_stderr(name: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
