"""Compute again what a model's own code computes when it is built.

Transformers, versions 5, builds a model without memory for its tensors and then loads the weights. Buffers that are not
saved, such as positions and the frequencies of rotary embeddings, get memory with whatever was in it; the models of
transformers compute theirs again, and the code of other models, written for versions 4, does not.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from evalkit.encoding.replaced_function import replaced
from evalkit.errors import InputError


def is_native(model: Any) -> bool:
    """Return whether the code of a model is that of transformers itself."""
    return type(model).__module__.startswith("transformers.")


def restore_buffers(name: str, models: Iterable[Any]) -> None:
    """Give models that transformers built with code of their own the buffers that this code computes.

    Other threads must not load models in the meantime.

    Parameters
    ----------
    name
        Folder or hub id, for messages.
    models
        Models of transformers, each of which was loaded with ``from_pretrained``.

    Raises
    ------
    InputError
        If the code computes other ones when it is run again.
    """
    for model in models:
        wanted = _unsaved(model)
        if is_native(model) or not wanted:
            continue
        with _parameters_without_memory():
            again = _unsaved(type(model)(copy.deepcopy(model.config)))
        for key, buffer in wanted.items():
            if key not in again or again[key].shape != buffer.shape or again[key].is_meta:
                raise InputError(
                    f"the model {name!r} needs the buffer {key!r} of its own code, which transformers did not compute",
                    "use a version of the model that transformers loads without code of its own",
                )
            buffer.copy_(again[key])


def _unsaved(model: Any) -> dict[str, Any]:
    """Return the buffers that are not in the files: name -> tensor."""
    saved = model.state_dict().keys()
    return {name: buffer for name, buffer in model.named_buffers(remove_duplicate=False) if name not in saved}


@contextmanager
def _parameters_without_memory() -> Iterator[None]:
    """Let modules that this thread builds in the block have parameters without numbers, and buffers with theirs."""
    import torch

    register, thread = torch.nn.Module.register_parameter, threading.get_ident()

    def registering(module: Any, name: str, parameter: Any) -> None:
        if parameter is not None and threading.get_ident() == thread:
            parameter = torch.nn.Parameter(parameter.detach().to("meta"), requires_grad=False)
        register(module, name, parameter)

    with replaced(torch.nn.Module, "register_parameter", registering), torch.no_grad():
        yield
