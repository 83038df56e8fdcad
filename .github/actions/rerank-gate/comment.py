"""Write the comment of the gate on the pull request, in place of its earlier one.

The first line of the text is a marker that GitHub does not show; the earlier comment starts with the same line. A
comment that cannot be written is a warning: it does not change the verdict.
"""

from __future__ import annotations

import json
import os
import sys
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PAGE = 100
"""Comments per request, the most that GitHub returns."""
TIMEOUT_S = 30
MEMBERS = {"OWNER", "MEMBER", "COLLABORATOR"}


def call(method: str, path: str, body: dict[str, str] | None = None) -> Any:
    """Call GitHub's API for this repository and return its decoded reply.

    Raises
    ------
    OSError
        If there is no reply, or its status is an error.
    ValueError
        If the reply is not JSON.
    """
    request = Request(  # noqa: S310 - the runner sets the address
        f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/issues/{path}",
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    with urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310
        return json.load(reply)


def earlier_comment(number: int, marker: str) -> int | None:
    """Return the id of the earlier comment; None if there is none.

    A comment of a stranger is not replaced, even if it starts with the marker: its author could edit it later.
    """
    page = 1
    while True:
        comments = call("GET", f"{number}/comments?per_page={PAGE}&page={page}")
        for comment in comments:
            author = comment["user"] or {}  # null if the account was deleted
            is_trusted = author.get("type") == "Bot" or comment["author_association"] in MEMBERS
            if is_trusted and (comment["body"] or "").startswith(marker):
                return int(comment["id"])
        if len(comments) < PAGE:
            return None
        page += 1


def write(text: str) -> None:
    """Update the earlier comment, or add the first one."""
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    number = int(event["pull_request"]["number"])
    earlier = earlier_comment(number, text.partition("\n")[0])
    if earlier is None:
        call("POST", f"{number}/comments", {"body": text})
    else:
        call("PATCH", f"comments/{earlier}", {"body": text})


def main() -> None:
    """Write the comment, or a warning that says why it could not be written."""
    try:
        write(Path(os.environ["COMMENT_FILE"]).read_text(encoding="utf-8"))
    except (OSError, HTTPException, ValueError) as error:
        denied = isinstance(error, HTTPError) and error.code in {401, 403, 404}
        hint = (
            " Give the job the permission pull-requests: write. Pull requests from forks do not get it."
            if denied
            else ""
        )
        reason = " ".join(str(error).split()).replace("%", "%25")
        sys.stdout.write(f"::warning title=rerank gate::The comment was not written: {reason}.{hint}\n")


if __name__ == "__main__":
    main()
