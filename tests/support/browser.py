"""Debian's chromium without a window: opens a page, does what a script says, and tells what was seen."""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import subprocess
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")
_POLICY = "script-src "
_DRIVE = """
(() => {
  const all = (path) => [...document.querySelectorAll(path)];
  const one = (path) => document.querySelector(path);
  const choose = (path, value) => { one(path).value = value; one(path).dispatchEvent(new Event("change")); };
  const type = (path, value) => { one(path).value = value; one(path).dispatchEvent(new Event("input")); };
  const told = (() => { %s })();
  told.requests = performance.getEntriesByType("resource").map((entry) => entry.name);
  told.struck = window.struck ?? null;
  const note = document.createElement("pre");
  note.id = "told";
  note.textContent = JSON.stringify(told);
  document.body.append(note);
  if (parent !== window) parent.postMessage(note.outerHTML, "*");
})();
"""
_FRAME = """<body style="margin:0"><iframe src="{name}" width="{width}" height="1200" style="border:0"></iframe>
<script>
addEventListener("message", (event) => {{ document.body.insertAdjacentHTML("beforeend", event.data); }});
</script>
</body>"""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visit to a page showed.

    Attributes
    ----------
    told
        What the script returned, the names of `requests`, and whether a trap was `struck`.
    console
        Lines that the page wrote, errors among them.
    """

    told: dict[str, Any]
    console: list[str]


def visit(page: Path, script: str, into: Path, width: int = 1200) -> Visit:
    """Open a copy of a page, run a script in it after its own, and close the browser.

    Parameters
    ----------
    page
        It allows scripts by their hashes; that of the visitor is added, and nothing else is loosened.
    script
        The body of a function that returns an object; ``one``, ``all``, ``choose`` and ``type`` are at hand.
    into
        For the copy and the browser's own files.
    width
        Width of the page in pixels. A window is at least 500 wide, so a narrow page is shown in a frame.
    """
    drive = _DRIVE % script
    allowed = b64encode(hashlib.sha256(drive.encode()).digest()).decode()
    text = page.read_text(encoding="utf-8").replace(_POLICY, f"{_POLICY}'sha256-{allowed}' ", 1)
    copy = into / "visited.html"
    copy.write_text(
        text.replace("</body>\n</html>", f"<script>{drive}</script></body>\n</html>"), encoding="utf-8"
    )
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            "--allow-file-access-from-files", f"--window-size={max(width, 500)},1200",
            f"--user-data-dir={into / 'browser'}", "--dump-dom", _framed(copy, width).as_uri(),
        ],
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=True,
    )  # fmt: skip
    note = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
    assert note, f"the script did not end: {done.stderr[-2000:]}"
    told: dict[str, Any] = json.loads(html.unescape(note[1]))
    return Visit(told, re.findall(r"CONSOLE[:(].*", done.stderr))


def _framed(page: Path, width: int) -> Path:
    """Return the page, or for a narrow width a page that shows it in a frame and takes over its note."""
    if width >= 500:
        return page
    frame = page.with_name("frame.html")
    frame.write_text(_FRAME.format(name=page.name, width=width), encoding="utf-8")
    return frame
