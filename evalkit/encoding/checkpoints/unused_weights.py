"""Check that a model uses the weights in its files: transformers drops those for which it has no place, and goes on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from evalkit.errors import InputError

_MOST_NAMED = 3
_COMPUTED = re.compile(
    r"(?:^|\.)(?:position_ids|inv_freq|original_inv_freq|masked_bias|(?:attn|attention)\.bias|version)$"
)
"""Numbers that old versions of transformers saved and that are computed now: positions, frequencies of rotary
embeddings, masks of causal attention; and the number of a format."""
_ADAPTER = re.compile(r"\.(?:lora_\w+|base_layer|modules_to_save)\.")
"""Parts of the names of weights that belong to an adapter, as PEFT names them."""


def check_unused(name: str, model: Any, unexpected: Iterable[str]) -> None:
    """Check that no weight in the files belongs into a part that the model has and that has no place for it.

    Weights of parts that the model lacks as a whole are fine: heads of another task, a pooler that is not read.

    Parameters
    ----------
    name
        Folder or hub id.
    model
        The model of transformers.
    unexpected
        Names of weights in its files for which the model has no place.

    Raises
    ------
    InputError
        If there is one: the model was trained with more layers, with biases or with an adapter, and its scores would
        be another model's.
    """
    inside = {one: place for one in sorted(unexpected) if (place := _part_of(model, one))}
    if inside:
        more = f" and {len(inside) - _MOST_NAMED} more" if len(inside) > _MOST_NAMED else ""
        raise InputError(
            f"the files of the model {name!r} have weights for which its {type(model).__name__} has no place:"
            f" {', '.join(list(inside)[:_MOST_NAMED])}{more}",
            _advice(model, inside),
        )


def adapter_advice(weights: Iterable[str]) -> str | None:
    """Return what can be done about weights of an adapter; None if there are none."""
    found = any(_ADAPTER.search(one) for one in weights)
    return "merge the adapter into the model, and use the merged model" if found else None


def _part_of(model: Any, weight: str) -> str | None:
    """Return the innermost module of a model that contains a weight by its name; None if no part below the top does."""
    if _COMPUTED.search(weight):
        return None
    modules = dict(model.named_modules())
    top = {id(model), id(getattr(model, "base_model", model))}
    found = [
        place
        for name in _names(model, weight)
        if (place := _innermost(modules, name)) and id(modules[place]) not in top
    ]
    return max(found, key=lambda place: place.count("."), default=None)


def _names(model: Any, weight: str) -> Sequence[str]:
    """Return the names that a weight may have in a model: transformers adds and strips the prefix of its body."""
    prefix = f"{getattr(model, 'base_model_prefix', '')}."
    return [weight, weight.removeprefix(prefix), f"{prefix}{weight}"]


def _innermost(modules: dict[str, Any], name: str) -> str:
    """Return the longest beginning of a name that is a module; empty if none is."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


def _advice(model: Any, inside: dict[str, str]) -> str:
    """Return what can be done about weights without a place; `inside` has the module that each belongs into."""
    import transformers

    if advice := adapter_advice(inside):
        return advice
    modules = dict(model.named_modules())
    if any(hasattr(modules[place], "__len__") for place in inside.values()):  # a list of layers
        return "set the number of layers in its config.json (num_hidden_layers) to that of its files"
    made_with = getattr(model.config, "transformers_version", None) or transformers.__version__
    other = (
        "the version that its model card names"
        if made_with == transformers.__version__
        else f"version {made_with}, which made it"
    )
    return f"correct its config.json; or, if transformers no longer has this part, install {other}"
