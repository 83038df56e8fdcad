"""Network streams that end at the deadline of an exchange, however slowly or endlessly the other side sends."""

from __future__ import annotations

import ipaddress
import queue
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

from evalkit.http_client.arrival_times import asks_for_arrivals, receive

_TLS_RECORD_BYTES = 16 * 1024
_TLS_ALERT = b"\x15\x03"
TLS_REPLY = "the server replied in TLS"
"""Message of the error of a plain connection to a server that uses TLS."""
_Address = tuple[Any, ...]


class ReplyTooLongError(Exception):
    """More bytes were received in one exchange than `ExchangeLimits` allows."""


class ExchangeLimits:
    """Deadline and byte limit of the exchange that a thread makes; every read, write and connect obeys them.

    Parameters
    ----------
    max_bytes
        Bytes that one exchange may receive, before they are decompressed.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = self._bytes_left = max_bytes
        self._deadline_s = 0.0

    def start(self, deadline_s: float) -> None:
        """Start an exchange that ends at `deadline_s`, in seconds of `time.perf_counter`."""
        self._deadline_s, self._bytes_left = deadline_s, self._max_bytes

    def left_s(self, timeout_s: float | None) -> float:
        """Return the seconds that the next operation may take.

        Raises
        ------
        TimeoutError
            If the deadline has passed.
        """
        left_s = self._deadline_s - time.perf_counter()
        if left_s <= 0:
            raise TimeoutError("timed out")
        return left_s if timeout_s is None else min(left_s, timeout_s)

    def count(self, received: int) -> None:
        """Count bytes that were received.

        Raises
        ------
        ReplyTooLongError
            If they are too many.
        """
        self._bytes_left -= received
        if self._bytes_left < 0:
            raise ReplyTooLongError


class BoundedBackend(httpcore.NetworkBackend):
    """Opens TCP connections within the limits of an exchange; looking up a name counts, too."""

    def __init__(self, limits: ExchangeLimits) -> None:
        self._limits = limits

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> BoundedStream:
        """Return a connection to the first address of a host that accepts one; `timeout` is for all of them together.

        Raises
        ------
        httpcore.ConnectTimeout, httpcore.ConnectError
            If none does.
        """
        end_s = time.perf_counter() + (timeout if timeout is not None else float("inf"))
        with _errors_as(httpcore.ConnectTimeout, httpcore.ConnectError):
            sock = self._connect(host, port, end_s, local_address)
        for option in socket_options or ():
            sock.setsockopt(*option)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return BoundedStream(sock, self._limits)

    def _connect(self, host: str, port: int, end_s: float, local_address: str | None) -> socket.socket:
        source = (local_address, 0) if local_address else None
        error = OSError(f"no address is known for {host!r}")
        addresses = _addresses(host, port, self._left_s(end_s))
        for place, address in enumerate(addresses):
            # Each address gets its share of the time: one that answers nothing must not use up that of the others.
            timeout_s = self._left_s(end_s) / (len(addresses) - place)
            try:
                return socket.create_connection(address[:2], timeout_s, source)
            except OSError as reason:
                error = reason
        raise error

    def _left_s(self, end_s: float) -> float:
        """Return the seconds until both the end of the connection phase and the deadline of the exchange."""
        left_s = self._limits.left_s(end_s - time.perf_counter())
        if left_s <= 0:
            raise TimeoutError("timed out")
        return left_s


class BoundedStream(httpcore.NetworkStream):
    """A connected socket, plain or TLS, within the limits of the exchange that uses it.

    A plain socket does not wait itself: it would ask whether it is ready before each step, and the thread would wait
    for the interpreter's lock between the answer and the step.

    Attributes
    ----------
    began_s
        When the first byte of the last `write` was handed to the operating system, in seconds of `time.perf_counter`.
    sent_at_once
        Whether the operating system took all bytes of the last `write` in one step, without a wait.
    received_s
        When the bytes of the last `read` arrived, in seconds of `time.perf_counter`.
    is_noted
        Whether the operating system noted that arrival; else it is when the thread resumed.
    """

    def __init__(self, sock: socket.socket, limits: ExchangeLimits) -> None:
        self._sock, self._limits = sock, limits
        self._is_plain = self._is_first_read = not isinstance(sock, ssl.SSLSocket)
        if self._is_plain:
            sock.setblocking(False)
        self._asks = self._is_plain and asks_for_arrivals(sock)
        self.began_s = self.received_s = 0.0
        self.sent_at_once = self.is_noted = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes; none at the end."""
        # Not `_errors_as`: reading and writing are part of every measured latency.
        try:
            data, arrived_s = self._receive(max_bytes, timeout)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error
        now_s = time.perf_counter()
        self.is_noted = arrived_s is not None
        # The system's clock may have been set in between: nothing arrives before it is asked for, or in the future.
        self.received_s = now_s if arrived_s is None else min(max(arrived_s, self.began_s), now_s)
        self._limits.count(len(data))
        if self._is_first_read and data.startswith(_TLS_ALERT):
            raise httpcore.RemoteProtocolError(TLS_REPLY)
        self._is_first_read = False
        return data

    def _receive(self, max_bytes: int, timeout: float | None) -> tuple[bytes, float | None]:
        """Return the next bytes, and when they arrived; None where the operating system does not note it."""
        if not self._is_plain:
            self._sock.settimeout(self._limits.left_s(timeout))
            return self._sock.recv(max_bytes), None
        while True:
            _wait_until_ready(self._sock, self._limits.left_s(timeout))
            try:
                return receive(self._sock, max_bytes) if self._asks else (self._sock.recv(max_bytes), None)
            except BlockingIOError:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all bytes. A peer that takes a few at a time gets no more time for it."""
        unsent, steps = memoryview(buffer), 0
        self.sent_at_once = False
        try:
            while unsent:
                left_s = self._limits.left_s(timeout)
                if not self._is_plain:
                    self._sock.settimeout(left_s)
                if not steps:
                    self.began_s = time.perf_counter()
                steps += 1
                try:
                    unsent = unsent[self._sock.send(unsent) :]
                except BlockingIOError:
                    _wait_until_ready(self._sock, left_s, to_write=True)
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error
        self.sent_at_once = self._is_plain and steps == 1

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return a TLS stream over this one; see `over_tls`."""
        if not isinstance(self._sock, ssl.SSLSocket):
            return self.over_tls(ssl_context, server_hostname, timeout)
        with self._ended_by_failure():
            return TlsOverTls(self, ssl_context, server_hostname, timeout)

    def over_tls(self, context: ssl.SSLContext, hostname: str | None, timeout: float | None) -> BoundedStream:
        """Return a TLS stream over this plain one; the handshake as a whole is within the limits.

        Raises
        ------
        httpcore.ConnectTimeout, httpcore.ConnectError
            If the handshake fails; the socket is then closed.
        """
        with self._ended_by_failure():
            self._sock.settimeout(self._limits.left_s(timeout))
            return BoundedStream(context.wrap_socket(self._sock, server_hostname=hostname), self._limits)

    @contextmanager
    def _ended_by_failure(self) -> Iterator[None]:
        """Close the socket if a handshake fails."""
        try:
            with _errors_as(httpcore.ConnectTimeout, httpcore.ConnectError):
                yield
        except BaseException:
            self.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks about a connection; None for anything else."""
        match info:
            case "ssl_object":
                return self._sock if isinstance(self._sock, ssl.SSLSocket) else None
            case "socket":
                return self._sock
            case "client_addr":
                return self._sock.getsockname()
            case "server_addr":
                return self._sock.getpeername()
            case "is_readable":
                # Bytes that TLS has decrypted already are not seen by the operating system.
                pending = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0
                return pending or _is_readable(self._sock)
        return None


class TlsOverTls(httpcore.NetworkStream):
    """TLS over a TLS stream, as to an https address through an https proxy: `ssl` wraps no socket twice."""

    def __init__(
        self,
        inner: BoundedStream,
        context: ssl.SSLContext,
        server_hostname: str | None,
        timeout: float | None,
    ) -> None:
        self._inner = inner
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=server_hostname)
        self._exchange(self._tls.do_handshake, timeout)

    def _exchange(self, step: Any, timeout: float | None, *arguments: Any) -> Any:
        """Do one step of TLS, sending and receiving for it what it needs."""
        while True:
            try:
                result = step(*arguments)
            except ssl.SSLWantReadError:
                self._inner.write(self._to_send.read(), timeout)
                data = self._inner.read(_TLS_RECORD_BYTES, timeout)
                if data:
                    self._received.write(data)
                else:
                    self._received.write_eof()
                continue
            self._inner.write(self._to_send.read(), timeout)
            return result

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes; none at the end."""
        with _errors_as(httpcore.ReadTimeout, httpcore.ReadError):
            try:
                return bytes(self._exchange(self._tls.read, timeout, max_bytes))
            except ssl.SSLZeroReturnError:
                return b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all bytes."""
        unsent = memoryview(buffer)
        with _errors_as(httpcore.WriteTimeout, httpcore.WriteError):
            while unsent:
                unsent = unsent[self._exchange(self._tls.write, timeout, unsent) :]

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks about a connection."""
        return self._tls if info == "ssl_object" else self._inner.get_extra_info(info)


@contextmanager
def _errors_as(timed_out: type[Exception], failed: type[Exception]) -> Iterator[None]:
    """Raise the errors of sockets as those of httpcore."""
    try:
        yield
    except TimeoutError as error:
        raise timed_out(str(error)) from error
    except OSError as error:
        raise failed(str(error)) from error


def _is_readable(sock: socket.socket) -> bool:
    """Return whether a socket has bytes or an end to read, without waiting."""
    return sock.fileno() < 0 or _is_ready(sock, 0.0, to_write=False)  # reading a closed one ends at once


def _wait_until_ready(sock: socket.socket, within_s: float, *, to_write: bool = False) -> None:
    if not _is_ready(sock, within_s, to_write=to_write):
        raise TimeoutError("timed out")


def _is_ready(sock: socket.socket, within_s: float, *, to_write: bool) -> bool:
    """Return whether a socket can be read from or written to within some seconds."""
    if not hasattr(select, "poll"):  # Windows
        reading, writing = ([], [sock]) if to_write else ([sock], [])
        return any(select.select(reading, writing, writing, within_s))
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLOUT if to_write else select.POLLIN)
    return bool(poll.poll(within_s * 1000))


def _addresses(host: str, port: int, within_s: float) -> list[_Address]:
    """Return the addresses of a host.

    Raises
    ------
    TimeoutError
        If they are not known in time. The system's search has no timeout, so a thread does it.
    OSError
        If the host is unknown.
    """
    try:
        return [(str(ipaddress.ip_address(host)), port)]
    except ValueError:
        pass
    answers: queue.SimpleQueue[list[_Address] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([address for *_, address in found])
        except OSError as error:
            answers.put(error)
        except UnicodeError:
            answers.put(OSError(f"{host!r} is not a valid host name"))

    threading.Thread(target=look_up, daemon=True).start()
    try:
        answer = answers.get(timeout=within_s)
    except queue.Empty:
        raise TimeoutError(f"looking up {host!r} timed out") from None
    if isinstance(answer, OSError):
        raise answer
    return answer
