"""Clients of a service and their keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.services import BODY, Lengths, get, post

from evalkit.config import ServiceSettings
from evalkit.errors import ConfigError
from evalkit.server.app import build_app


def test_clients_by_a_file_of_hashes(tmp_path: Path) -> None:
    """Each key is a client with limits of its own; a file that is wrong is reported with its place."""
    import hashlib

    hashed = hashlib.sha256(b"ask_team").hexdigest()
    file = tmp_path / "keys.yaml"
    file.write_text(
        f'keys:\n  team: {{sha256: "{hashed}", requests_per_minute: 2}}\n',
        encoding="utf-8",
    )
    app = build_app({"m": Lengths()}, settings=ServiceSettings(keys_file=file))
    mine = {"Authorization": "Bearer ask_team"}
    replies = [post(app, BODY, headers=mine) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert [reply.headers["x-ratelimit-remaining-rpm"] for reply in replies] == ["1", "0", "0"]
    assert int(replies[-1].headers["retry-after"]) in range(25, 31)
    refused = post(app, BODY, headers={"Authorization": "Bearer ask_teams"})
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert get(app, "/v1/models").status_code == 401
    file.write_text("keys:\n  team: {sha256: abc}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"keys\.yaml:2:18: 'sha256' must match .*64"):
        build_app({"m": Lengths()}, settings=ServiceSettings(keys_file=file))
