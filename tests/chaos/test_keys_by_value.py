"""A key in a configuration is refused wherever it is, by its value or its name; what is none is accepted."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.command import Done, evalkit, only_folder
from support.faulty import FaultyServer, Visit, reply_of

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("blank_plots")]

BASIC = "Basic " + base64.b64encode(b"user:hunter2").decode()
URL = "https://rerank.example/v1"
KEYS = {
    "url: userinfo": {"url": "https://user:hunter2@rerank.example/x"},
    "url: of a scheme that is refused": {"url": "ftp://user:hunter2@rerank.example/x"},
    "url: not a url": {"url": "rerank.example/x?api_key=sk-1"},
    "url: api_key": {"url": f"{URL}?api_key=sk-1"},
    "url: sig": {"url": f"{URL}?sig=abc"},
    "url: code": {"url": f"{URL}?code=sk-live-123"},
    "url: auth": {"url": f"{URL}?auth=sk-live-123"},
    "url: jwt": {"url": f"{URL}?jwt=eyJhbGciOi"},
    "url: any parameter": {"url": f"{URL}?q=sk-live-0123456789"},
    "url: encoded": {"url": f"{URL}?q=%73k-live-0123456789"},
    "url: path": {"url": "https://rerank.example/sk-live-0123456789abcdef/rerank"},
    "url: parameter of the path": {"url": "https://rerank.example/x;token=abc"},
    "url: fragment": {"url": f"{URL}#key=sk-1"},
    "header X-Auth": {"url": URL, "headers": {"X-Auth": "sk-live-abc"}},
    "header X-Credential": {"url": URL, "headers": {"X-Credential": "hunter2"}},
    "header with Bearer": {"url": URL, "headers": {"X-Api": "Bearer sk-live-abc"}},
    "header with Basic": {"url": URL, "headers": {"X-Api": BASIC}},
    "header, random": {"url": URL, "headers": {"X-Api": "9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"}},
    "options api_key": {"url": URL, "options": {"api_key": "sk-live-abc"}},
    "options, nested": {"url": URL, "options": {"auth": {"token": "sk-live-abc"}}},
    "options, a list": {"url": URL, "options": {"x": ["ghp_0123456789abcdefABCDEF0123456789abcd"]}},
    "options, private key": {"url": URL, "options": {"x": "-----BEGIN PRIVATE KEY-----\nMIIE"}},
    "model": {"url": URL, "model": "hf_AbCdEfGhIjKlMnOpQrStUvWx12"},
    "a variable's name": {"url": URL, "api_key_env": "AKIAIOSFODNN7EXAMPLE"},
    "a variable's name for a header": {"url": URL, "headers_env": {"X-Gateway-Key": "AKIAIOSFODNN7EXAMPLE"}},
    "a key as the prefix": {"url": URL, "key_prefix": "9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"},
    "a template": {"url": URL, "query_template": "sk-live-0123456789abcdef {query}"},
    "an unknown key": {"url": URL, "api_kye": "jina_0123456789abcdef0123456789abcdefXYZ"},
    "a list's place": {"url": URL, "options": "x?api_key=hunter2"},
    "a number's place": {"url": URL, "timeout_s": "sk-live-0123456789abcdef"},
}
SECRETS = ("sk-live", "sk-1", "hunter2", "abc", "eyJhbGciOi", "9f8a7b6c", "ghp_", "MIIE", "hf_AbCd", "AKIA", "jina_0",
           BASIC.split()[1])  # fmt: skip
NO_KEYS: dict[str, dict[str, Any]] = {
    "Azure": {"url": "https://r.example/openai/deployments/my-reranker-v2/rerank?api-version=2024-05-01-preview"},
    "an account in the path": {"url": "https://r.example/accounts/9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c/ai/run/@cf/baai/bge"},
    "a project's ID": {"url": "https://r.example/projects/6f9619ff-8b86-d011-b42d-00c04fc964ff/rerank?lang=de"},
    "headers": {"url": URL, "headers": {"X-Project": "search", "X-Author": "me", "User-Agent": "evalkit/1.2.3 (linux)",
                                        "OpenAI-Organization": "org-AbCdEf1234567890ghij",
                                        "X-Model": "cross-encoder/ms-marco-MiniLM-L-12-v2"}},
    "a model": {"url": URL, "model": "jinaai/jina-reranker-v2-base-multilingual"},
    "a file": {"url": URL, "model": "/models/2024-05-01/pa-model-v2/9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c.onnx"},
    "a revision": {"url": URL, "options": {"revision": "0123456789abcdef0123456789abcdef01234567"}},
    "options": {"url": URL, "options": {"truncate": "END", "pad_token": "<pad>"}},
    "headers of variables": {"url": URL, "headers_env": {"X-Gateway-Key": "HOME"}, "key_header": "X-Api-Key",
                             "key_prefix": "Token "},
    "prose": {"url": URL, "options": {"note": "a token of basic trust; Bearer bonds, basic information"}},
}  # fmt: skip


def check(tmp_path: Path, block: dict[str, Any], *words: str) -> Done:
    """Run ``config check`` on a configuration with one reranker."""
    config = tmp_path / "c.yaml"
    text = json.dumps({"api": {"backend": "http", "dialect": "cohere_v2", **block}})
    config.write_text(f"name: t\ndatasets: [demo]\nrerankers:\n  {text}\n", encoding="utf-8")
    return evalkit("config", "check", "c.yaml", *words, cwd=tmp_path)


@pytest.mark.attack("client", "a key in a url, a header, an option, a model's name")
@pytest.mark.parametrize("block", KEYS.values(), ids=KEYS)
def test_a_key_is_refused_and_not_repeated(tmp_path: Path, block: dict[str, Any]) -> None:
    """With its position and a hint; no part of the value is printed."""
    done = check(tmp_path, block)
    assert done.returncode == 2
    assert (
        "must not contain a key\n  hint: remove it, run export MY_KEY=... and write api_key_env"
        in done.stderr
    )
    assert "error: c.yaml:4:" in done.stderr
    said = done.stdout + done.stderr
    assert not [secret for secret in SECRETS if secret in said]


@pytest.mark.attack("client", "a key given with --set")
@pytest.mark.parametrize(
    "override",
    [
        "rerankers.api.headers.X-Api=Bearer sk-live-0123456789",
        "rerankers.api.url=https://x.example/?code=sk-live-0123456789",
        "rerankers.api.options.auth.token=sk-live-0123456789",
        "rerankers.api.timeout_s=sk-live-0123456789abcdef",
        "rerankers.api.options.x sk-live-0123456789abcdef",
        "nowhere.sk-live-0123456789abcdef=1",
    ],
)
def test_a_key_given_with_set_is_refused_and_not_repeated(tmp_path: Path, override: str) -> None:
    """As in a file; also in an override that is malformed."""
    done = check(tmp_path, {"url": URL}, "--set", override)
    assert done.returncode == 2
    assert "sk-live" not in done.stdout + done.stderr


@pytest.mark.parametrize("block", NO_KEYS.values(), ids=NO_KEYS)
def test_what_is_no_key_is_accepted(tmp_path: Path, block: dict[str, Any]) -> None:
    """Names of models, files, revisions, IDs and prose."""
    done = check(tmp_path, block)
    assert done.returncode == 0, done.stderr


def test_a_key_in_a_first_stage_or_a_served_block_is_refused(tmp_path: Path) -> None:
    """Every block is searched, whatever plugin it belongs to."""
    config = tmp_path / "c.yaml"
    config.write_text(
        "name: t\ndatasets: [demo]\nretriever: {kind: opensearch, index: i, fields: [text],\n"
        "  url: 'https://u:hunter2@x.example'}\n"
        "rerankers: {a: {backend: http, serve: {backend: bi_encoder,\n"
        "  model: ghp_0123456789abcdefABCDEF0123456789abcd}}}\n",
        encoding="utf-8",
    )
    done = evalkit("config", "check", "c.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "c.yaml:4:8: 'url' must not contain a key" in done.stderr
    assert "c.yaml:6:10: 'model' must not contain a key" in done.stderr
    assert "hunter2" not in done.stderr
    assert "ghp_" not in done.stderr


KEY = "sk-live+0123456789/abcdef"
ESCAPES = {
    "every character": "".join(f"\\u{ord(character):04x}" for character in KEY),
    "slashes": KEY.replace("/", "\\/"),
    "plus": KEY.replace("+", "\\u002B"),
    "url": "".join(f"%{ord(character):02x}" for character in KEY),
    "url, twice": "".join(f"%25{ord(character):02X}" for character in KEY),
    "html": "".join(f"&#{ord(character)};" for character in KEY),
}


@pytest.mark.attack("client", "a server that echoes the key, escaped")
@pytest.mark.parametrize("place", ["error", "model"])
def test_a_key_that_comes_back_escaped_is_in_no_file(
    place: str, tmp_path: Path, beir_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an error or as the model's name: neither as it came nor as JSON's parser would return it."""
    monkeypatch.setenv("ECHOED_KEY", KEY)
    echoed = " ".join(ESCAPES.values()).encode()

    def echo(visit: Visit) -> None:
        if place == "error":
            visit.answer(b'{"error": {"message": "%s"}}' % echoed, "400 No")
        else:
            visit.answer(orjson.dumps(reply_of(visit.body, model="MODEL")).replace(b"MODEL", echoed))

    config = tmp_path / "c.yaml"
    with FaultyServer(echo, "garden bird").running() as url:
        config.write_text(
            f"name: echo\ndatasets: [{{source: beir_folder, path: {beir_folder}}}]\nretriever: {{depth: 5}}\n"
            f"rerankers:\n  api: {{backend: http, url: '{url}', model: m, expect_model: any, retries: 0,\n"
            "        api_key_env: ECHOED_KEY}\nmetrics: [nDCG@10]\n",
            encoding="utf-8",
        )
        done = evalkit("run", config, "--into", tmp_path / "results")
    assert done.returncode == (3 if place == "error" else 0), done.stderr
    folder = only_folder(tmp_path / "results")
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    said = (done.stdout + done.stderr).encode() + written
    assert not [name for name, form in {"plain": KEY, **ESCAPES}.items() if form.encode() in said]
    if place == "model":
        import pandas as pd

        assert set(pd.read_parquet(folder / "calls.parquet").model) == {
            "m",
            " ".join(["[key]"] * len(ESCAPES)),
        }


@pytest.mark.attack("client", "http:// to a public host with a key")
@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://rerank.example.com/v1", True), ("http://8.8.8.8/v1", True), ("https://rerank.example.com/v1", False),
        ("http://127.0.0.1:8000/v1", False), ("http://localhost/v1", False), ("http://10.1.2.3/v1", False),
        ("http://192.168.0.2/v1", False), ("http://[fd00::1]/v1", False), ("http://reranker:8000/v1", False),
        ("http://rerank.internal/v1", False), ("http://a.default.svc.cluster.local/v1", False),
    ],
)  # fmt: skip
def test_a_key_over_plain_http_is_one_warning(
    url: str, warned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a public host only; the configuration is valid."""
    monkeypatch.setenv("PLAIN_KEY", "sk-live-0123456789")
    for keys in ({"api_key_env": "PLAIN_KEY"}, {"headers_env": {"X-Gateway-Key": "PLAIN_KEY"}}):
        done = check(tmp_path, {"url": url, **keys})
        assert done.returncode == 0
        assert done.stderr.count("sent unencrypted to") == int(warned)
        assert not warned or done.stderr.startswith("warning: c.yaml:4:")
