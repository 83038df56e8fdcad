"""Write what the gate found: job summary, comment and outputs of the action.

Reads the environment that `action.yml` sets. Uses the standard library alone, because evalkit may not be installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree as ET

STATUSES = ("INVALID", "FAIL", "CANNOT TELL", "PASS", "IDENTICAL")
"""Statuses of a rule, worst first: the verdict of the action is the worst of them."""
ERROR = "ERROR"
WRONG_INPUT, WORLD_FAILED = 2, 3
MEANINGS = {
    WRONG_INPUT: "The input is wrong. Nothing was measured.",
    WORLD_FAILED: "A service, data or a folder failed. This does not say that the reranker changed.",
    130: "It was interrupted.",
}
UNEXPECTED = "evalkit ended unexpectedly. The log has the details."
MOST_CHARACTERS = 60_000
"""Limit of the body; GitHub accepts comments of 65,536 characters."""

MOST_OF_LOG = 4000
"""Characters from the end of the log."""


def exit_code() -> int:
    """Return the exit code of the first command that failed; 0 if none did."""
    code = os.environ["GATE_CODE"] or os.environ["RUN_CODE"]
    if code:
        return int(code)
    return WRONG_INPUT if os.environ["FOLDER_OUTCOME"] == "failure" else WORLD_FAILED


def verdict(junit: Path) -> str:
    """Return the worst status in the JUnit file of a gate; each of its texts starts with one."""
    cases = ET.parse(junit).getroot().iter("testcase")  # noqa: S314 - evalkit wrote it
    texts = [part.get("message") or part.text or "" for case in cases for part in case]
    found = {text.partition(":")[0] for text in texts}
    return next((status for status in STATUSES if status in found), ERROR)


def without_verdict(code: int, log: Path) -> str:
    """Return the summary of a command that ended before the gate had a verdict, with the end of the log."""
    if not os.environ["RUN_CODE"]:
        happened = "the experiment did not start"
    else:
        command = "gate" if os.environ["GATE_CODE"] else "run"
        happened = f"`evalkit {command}` ended with exit code {code}"
    lines = [f"### evalkit: no verdict: {happened}", MEANINGS.get(code, UNEXPECTED)]
    if os.environ["RUN_CODE"] and log.is_file():
        lines.append(fenced(log.read_text(encoding="utf-8", errors="replace").rstrip()[-MOST_OF_LOG:]))
    return "\n\n".join(lines)


def fenced(text: str) -> str:
    """Return a code block; its fence is longer than any in the text."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def footer() -> str:
    """Return one line: configuration, commit, and a link to the log."""
    env = os.environ
    config = " ".join(env["CONFIG"].replace("`", "'").split())
    log = f"{env['GITHUB_SERVER_URL']}/{env['GITHUB_REPOSITORY']}/actions/runs/{env['GITHUB_RUN_ID']}"
    return f"Configuration `{config}`, commit {commit()[:10]}. [Log and files]({log})"


def commit() -> str:
    """Return the last commit of the pull request; elsewhere the commit of the job."""
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    pull_request = event.get("pull_request") if isinstance(event, dict) else None
    return str(pull_request["head"]["sha"] if pull_request else os.environ["GITHUB_SHA"])


def gate_id() -> str:
    """Return a short hash of configuration, baseline and rules: each gate has one comment and one artifact."""
    parts = "\0".join(os.environ[name] for name in ("CONFIG", "BASELINE", "RULES"))
    return hashlib.sha256(parts.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def shortened(text: str) -> str:
    """Return the whole lines of a text that fit into a comment."""
    if len(text) <= MOST_CHARACTERS:
        return text
    return text[:MOST_CHARACTERS].rpartition("\n")[0] + "\n\nShortened. The log has the rest."


def main() -> None:
    """Write summary, comment and outputs."""
    into, code, identity = Path(os.environ["INTO"]), exit_code(), gate_id()
    summary, junit = into / "gate.md", into / "gate.xml"
    judged = bool(os.environ["GATE_CODE"]) and summary.is_file() and junit.is_file()
    text = summary.read_text(encoding="utf-8") if judged else without_verdict(code, into / "log.txt")
    text = f"{shortened(text.rstrip())}\n\n{footer()}\n"
    comment = Path(os.environ["RUNNER_TEMP"]) / f"rerank-gate-{identity}.md"
    comment.write_text(f"<!-- rerank-gate {identity} -->\n{text}", encoding="utf-8")
    outputs = {
        "verdict": verdict(junit) if judged else ERROR,
        "exit-code": str(code),
        "comment-file": str(comment),
        "id": identity,
    }
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as file:
        file.write(text)
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in outputs.items())


if __name__ == "__main__":
    main()
