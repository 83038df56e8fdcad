"""Models of a hub that cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import huggingface_hub
import pytest
from support.messages import said

from evalkit.encoding import state
from evalkit.encoding.library_runtime import model_errors
from evalkit.encoding.model_settings import ModelSettings
from evalkit.errors import InputError, MissingExtraError, WorldError


@pytest.fixture
def _no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the hub unreachable."""

    @contextmanager
    def access() -> Iterator[str]:
        yield "https://hub cannot be reached (timeout)"

    monkeypatch.setattr(state, "hub_access", access)


def fail(*_: object, **__: object) -> None:
    """Fail as the hub's client does without a cached copy."""
    raise FileNotFoundError("not on disk")


@pytest.mark.usefixtures("_no_hub")
def test_a_model_that_is_not_cached_is_an_error_of_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 3, with the reason; what is wrong for another reason stays what it is."""
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(WorldError) as caught:
        state.state_of(ModelSettings(kind="bi_encoder", model="owner/name"))
    assert caught.value.exit_code == 3
    assert caught.value.message == (
        "the model 'owner/name' is not in the cache, and https://hub cannot be reached (timeout)"
    )
    with pytest.raises(MissingExtraError), state.model_access("owner/name"):
        raise MissingExtraError("it", "local")


@pytest.mark.usefixtures("_no_hub")
def test_a_cached_model_that_is_damaged_is_said_to_be() -> None:
    """An error that no missing file explains is not hidden behind the hub that cannot be reached."""
    for damage in (RuntimeError("damaged archive"), TypeError("damaged code")):
        with pytest.raises(InputError, match="damaged"), state.model_access("owner/name"), model_errors("m"):
            raise damage
    with pytest.raises(InputError, match="no head"), state.model_access("owner/name"):
        raise InputError("the model has no head")


@pytest.mark.usefixtures("_no_hub")
def test_a_cached_model_needs_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its state is the commit in the path of the copy."""
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_, **__: "/cache/abc/config.json")
    assert state.state_of(ModelSettings(kind="bi_encoder", model="owner/name")) == "abc"


def test_a_model_that_the_hub_lacks_is_a_users_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As is a damaged one in a folder, which no hub is asked for."""
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)

    @contextmanager
    def access() -> Iterator[None]:
        yield None

    monkeypatch.setattr(state, "hub_access", access)
    model = ModelSettings(kind="bi_encoder", model="owner/name")
    assert "model 'owner/name' not found: not on disk" in said(lambda: state.state_of(model))
    with pytest.raises(InputError, match="damaged"), state.model_access(str(tmp_path)):
        raise InputError("damaged")


def test_a_model_without_a_configuration_of_its_own_has_a_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Static embeddings and routers have ``modules.json`` and no ``config.json``; without both, the first is missed."""
    present = {"modules.json"}

    @contextmanager
    def access() -> Iterator[None]:
        yield None

    def download(_: str, name: str, **__: object) -> str:
        if name not in present:
            raise huggingface_hub.errors.LocalEntryNotFoundError(f"no {name}")
        return f"/cache/abc/{name}"

    monkeypatch.setattr(state, "hub_access", access)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    model = ModelSettings(kind="bi_encoder", model="owner/name")
    assert state.state_of(model) == "abc"
    present.clear()
    assert "model 'owner/name' not found: no config.json" in said(lambda: state.state_of(model))
