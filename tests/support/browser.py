"""Debian's chromium without a window: opens a page, does what a script says, and tells what was seen."""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterable
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
  const facts = (() => { %s })();
  facts.requests = performance.getEntriesByType("resource").map((entry) => entry.name);
  facts.width = window.innerWidth;
  facts.struck = window.struck ?? null;
  const note = document.createElement("pre");
  note.id = "facts";
  note.textContent = JSON.stringify(facts);
  document.body.append(note);
  if (parent !== window) parent.postMessage(note.outerHTML, "*");
})();
"""
_FRAMES = """<body style="margin:0">{frames}
<script>
addEventListener("message", (event) => {{ document.body.insertAdjacentHTML("beforeend", event.data); }});
</script>
</body>"""
_FRAME = '<iframe src="{name}" width="{width}" height="1200" style="border:0"></iframe>'


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visit to a page showed.

    Attributes
    ----------
    facts
        What the script returned, the `width` of the page, the names of `requests`, and whether a trap was `struck`.
    console
        Lines that the page wrote, errors among them.
    """

    facts: dict[str, Any]
    console: list[str]


def visit(page: Path, script: str, into: Path) -> Visit:
    """Open a copy of a page, run a script in it after its own, and close the browser.

    Parameters
    ----------
    page
        It allows scripts by their hashes; that of the visitor is added, and nothing else is loosened.
    script
        The body of a function that returns an object; ``one``, ``all``, ``choose`` and ``type`` are at hand.
    into
        For the copy and the browser's own files.
    """
    (facts,), console = _shown(_with_script(page, script, into), into)
    return Visit(facts, console)


def visit_at_widths(page: Path, script: str, into: Path, widths: Iterable[int]) -> dict[int, Visit]:
    """Return width -> what `visit` shows in a frame of that many pixels; the browser is started once for all of them.

    A window is at least 500 pixels wide, a frame can be narrower.
    """
    copy = _with_script(page, script, into)
    frames = into / "frames.html"
    frames.write_text(
        _FRAMES.format(frames="".join(_FRAME.format(name=copy.name, width=width) for width in widths)),
        encoding="utf-8",
    )
    seen, console = _shown(frames, into)
    return {facts["width"]: Visit(facts, console) for facts in seen}


def _with_script(page: Path, script: str, into: Path) -> Path:
    """Write a copy of a page that runs a script, and return its path."""
    drive = _DRIVE % script
    allowed = b64encode(hashlib.sha256(drive.encode()).digest()).decode()
    text = page.read_text(encoding="utf-8").replace(_POLICY, f"{_POLICY}'sha256-{allowed}' ", 1)
    copy = into / "visited.html"
    copy.write_text(
        text.replace("</body>\n</html>", f"<script>{drive}</script></body>\n</html>"), encoding="utf-8"
    )
    return copy


def _shown(page: Path, into: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what each script in a page or its frames returned, and the lines on the console."""
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
            "--allow-file-access-from-files", "--window-size=1200,1200",
            f"--user-data-dir={into / 'browser'}", "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=True,
    )  # fmt: skip
    notes = re.findall(r'<pre id="facts">(.*?)</pre>', done.stdout, re.DOTALL)
    assert notes, f"the script did not end: {done.stderr[-2000:]}"
    return [json.loads(html.unescape(note)) for note in notes], re.findall(r"CONSOLE[:(].*", done.stderr)
