"""A browser that is used step by step: Debian's chromium without a window, over the pipe of its DevTools protocol."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.browser import CHROMIUM

_WAIT_S = 30.0


class Page:
    """One tab of a browser.

    Parameters
    ----------
    browser
        The browser.
    session
        Id of the session of the DevTools protocol that is attached to the tab.
    """

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        for domain in ("Page", "Runtime", "Log"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **values: Any) -> dict[str, Any]:
        """Call a method of the protocol on this tab."""
        return self._browser.do(method, self._session, **values)

    @property
    def console(self) -> list[str]:
        """Errors that the page logged or raised."""
        return [text for session, text in self._browser.complaints if session == self._session]

    def open(self, address: str) -> None:
        """Open an address."""
        self.do("Page.navigate", url=address)
        self.wait_for("document.readyState === 'complete'")

    def value(self, script: str) -> Any:
        """Return the value of an expression in the page; promises are awaited."""
        reply = self.do("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in reply, reply["exceptionDetails"]
        return reply["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + _WAIT_S
        while not self.value(condition):
            assert time.monotonic() < end, f"never true: {condition}; {self.value('document.body.innerText')}"
            time.sleep(0.02)

    def press(self, key: str) -> None:
        """Press and release a key, as a keyboard does."""
        text = {"text": key} if len(key) == 1 else {}
        if key == "Enter":
            text = {"text": "\r"}
        code = {"Tab": 9, "Enter": 13, "Escape": 27}.get(key, ord(key.upper()) if len(key) == 1 else 0)
        self.do("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        self.do("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def write(self, text: str) -> None:
        """Type a text into what has the focus."""
        self.do("Input.insertText", text=text)

    def resize(self, width: int, height: int, *, dark: bool = False, reduced: bool = False) -> None:
        """Give the page a size, and tell it what its user prefers."""
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if reduced else "no-preference"},
        ]
        self.do("Emulation.setEmulatedMedia", features=features)

    def picture(self, file: Path) -> None:
        """Write what is seen as PNG."""
        file.write_bytes(base64.b64decode(self.do("Page.captureScreenshot", format="png")["data"]))


class Browser:
    """A running browser.

    Parameters
    ----------
    process
        Its process.
    commands, replies
        The file descriptors of its pipe.
    """

    def __init__(self, process: subprocess.Popen[bytes], commands: int, replies: int) -> None:
        self._process = process
        self._commands, self._replies = commands, replies
        self._numbers = itertools.count(1)
        self._rest = b""
        self.complaints: list[tuple[str, str]] = []

    def page(self, *, own_storage: bool = False) -> Page:
        """Open a tab; with storage of its own it shares nothing with the others, as that of another user."""
        context = {"browserContextId": self.do("Target.createBrowserContext")["browserContextId"]}
        target = self.do("Target.createTarget", url="about:blank", **(context if own_storage else {}))
        attached = self.do("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        return Page(self, attached["sessionId"])

    def do(self, method: str, session: str | None = None, **values: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": values}
        if session:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        for found in self._messages():
            if found.get("id") == number:
                assert "error" not in found, found["error"]
                return dict(found["result"])
        raise AssertionError(f"the browser has ended: {self._process.poll()}")

    def _messages(self) -> Iterator[dict[str, Any]]:
        end = time.monotonic() + _WAIT_S
        while True:
            while b"\0" in self._rest:
                line, self._rest = self._rest.split(b"\0", 1)
                found = json.loads(line)
                self._note(found)
                yield found
            ready = select.select([self._replies], [], [], max(0.0, end - time.monotonic()))[0]
            assert ready, "the browser does not answer"
            part = os.read(self._replies, 1 << 20)
            if not part:
                return
            self._rest += part

    def _note(self, message: dict[str, Any]) -> None:
        values, session = message.get("params", {}), message.get("sessionId", "")
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append((session, json.dumps(values["exceptionDetails"])))
        if message.get("method") == "Log.entryAdded" and values["entry"]["level"] == "error":
            self.complaints.append((session, values["entry"]["text"]))


@contextmanager
def browser(into: Path) -> Iterator[Browser]:
    """Run a browser; `into` is for its own files."""
    to_browser, commands = os.pipe()
    replies, from_browser = os.pipe()

    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
        "--window-size=1200,900", f"--user-data-dir={into / 'browser'}", "about:blank",
    ]  # fmt: skip
    # The browser reads from file 3 and writes to file 4.
    process = subprocess.Popen(
        ["bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "browser", *command],
        pass_fds=(to_browser, from_browser),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser)
    os.close(from_browser)
    running = Browser(process, commands, replies)
    try:
        yield running
    finally:
        process.terminate()
        process.wait(20)
        os.close(commands)
        os.close(replies)
