"""Buffers that the code of a model computes, after transformers has loaded the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.models import tiny

from evalkit.encoding.checkpoints.computed_buffers import is_native, restore_buffers
from evalkit.errors import InputError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


class Own(transformers.PreTrainedModel):  # type: ignore[misc, name-defined]
    """A model with code of its own, written for a version of transformers that built models at once."""

    config_class = transformers.BertConfig

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.layer = torch.nn.Linear(4, config.hidden_size)
        self.layer.register_buffer("places", torch.arange(config.hidden_size) + 1, persistent=False)
        self.register_buffer("frequencies", 1 / (1 + torch.arange(4).float()), persistent=False)
        self.register_buffer("saved", torch.ones(2))
        self.post_init()

    def _init_weights(self, module: Any) -> None:
        """Leave everything as it is."""


class Fickle(Own):
    """A model whose buffers are others each time that it is built."""

    built = 0

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        Fickle.built += 1
        self.register_buffer(f"number_{Fickle.built}", torch.ones(1), persistent=False)


def reload(folder: Path, cls: Any = Own) -> tuple[Any, Any]:
    """Save and load a model, and return it as it was built and as it was loaded."""
    model = cls(transformers.BertConfig(**tiny()))
    model.save_pretrained(folder)
    return model, cls.from_pretrained(folder)


def buffers(model: Any) -> dict[str, list[float]]:
    """Return the buffers of a model."""
    return {name: buffer.tolist() for name, buffer in model.named_buffers()}


def test_the_buffers_of_own_code_are_computed_again(tmp_path: Path) -> None:
    """Transformers leaves them as the memory was; weights and saved buffers stay those of the files."""
    model, loaded = reload(tmp_path)
    model.saved.fill_(5)
    model.save_pretrained(tmp_path)
    loaded = Own.from_pretrained(tmp_path)
    weight = loaded.layer.weight.clone()
    for name in ("frequencies", "layer.places"):
        loaded.get_buffer(name).fill_(7)
    restore_buffers("m", [loaded])
    assert buffers(loaded) == buffers(model)
    assert torch.equal(loaded.layer.weight, weight)
    assert not loaded.layer.weight.is_meta


def test_parameters_built_in_the_meantime_take_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large models would not fit twice; afterwards modules are built as usual."""
    _, loaded = reload(tmp_path)
    seen = []
    monkeypatch.setattr(
        Own, "post_init", lambda model: seen.extend(one.is_meta for one in model.parameters())
    )
    restore_buffers("m", [loaded])
    assert seen == [True, True]
    assert not torch.nn.Linear(1, 1).weight.is_meta


def test_models_of_transformers_are_left_alone(tmp_path: Path) -> None:
    """They compute their buffers by themselves."""
    model, loaded = reload(tmp_path, transformers.BertModel)
    assert is_native(loaded)
    restore_buffers("m", [loaded])
    assert buffers(loaded) == buffers(model)


def test_a_buffer_that_is_another_each_time_is_an_error(tmp_path: Path) -> None:
    """What cannot be computed again is named."""
    _, loaded = reload(tmp_path, Fickle)
    with pytest.raises(InputError, match="the model 'm' needs the buffer 'number_2' of its own code"):
        restore_buffers("m", [loaded])
