"""Limit the tokens of an input to those for which rotary position embeddings do not depend on other inputs.

Two kinds of rotary embeddings choose their frequencies by the longest input of a batch: ``longrope`` has a set for
batches up to the original length of the model and one for longer ones (Ding et al. 2024), and ``dynamic`` computes new
ones for every longer batch, which transformers even keeps for later batches (``dynamic_rope_update``). So beyond the
original length, the output for an input depends on what else is in its batch, and on what was computed before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from evalkit.encoding.checkpoints.length_limit import lower_limits
from evalkit.errors import InputError

RotaryKind = Literal["longrope", "dynamic"]
_KINDS: Mapping[str, RotaryKind] = {"longrope": "longrope", "su": "longrope", "dynamic": "dynamic"}
"""Type in a configuration -> kind. ``su`` is the first name of longrope."""


@dataclass(frozen=True, slots=True)
class OriginalLength:
    """Length beyond which the frequencies of a network depend on the batch.

    Attributes
    ----------
    kind
        Kind of its rotary embeddings.
    tokens
        The original length.
    """

    kind: RotaryKind
    tokens: int


@dataclass(frozen=True, slots=True)
class RotaryRule:
    """What follows from the rotary embeddings of a model.

    Attributes
    ----------
    remark
        Warning for the user that inputs are cut at the original length; None if they are not, or never were longer.
    fault
        Why each input must be a batch of its own; None if batches leave outputs as they are.
    """

    remark: str | None = None
    fault: str | None = None


def original_lengths(network: Any) -> list[OriginalLength]:
    """Return the lengths beyond which frequencies of a torch network depend on the batch, the smallest first."""
    configs = {id(one): one for one in (getattr(part, "config", None) for part in network.modules()) if one}
    found = {length for config in configs.values() for length in _lengths(config)}
    return sorted(found, key=lambda one: (one.tokens, one.kind))


def limit_rotary(name: str, module: Any, network: Any, wanted: int | None) -> RotaryRule:
    """Limit a module that tokenises to the original length of its network, and return what follows.

    The parameters are those of `limit_length`, whose limits are set before.

    Raises
    ------
    InputError
        If the configured limit is larger than the original length, and frequencies depend on earlier batches.
    """
    lengths = original_lengths(network)
    beyond = [one for one in lengths if wanted is not None and wanted > one.tokens]
    dynamic = next((one for one in beyond if one.kind == "dynamic"), None)
    if dynamic is not None:
        raise InputError(
            f"max_length_tokens is {wanted}, and beyond {dynamic.tokens} tokens the rotary embeddings of the model"
            f" {name!r} (dynamic) depend on the longest input so far, and so would scores",
            f"set max_length_tokens to at most {dynamic.tokens}",
        )
    if beyond:
        return RotaryRule(
            fault=f"beyond {beyond[0].tokens} tokens its rotary embeddings (longrope) depend on the longest input"
            " of a batch"
        )
    if not lengths or wanted is not None:
        return RotaryRule()
    shortest = lengths[0]
    unlimited = module.max_seq_length is None
    if unlimited:
        module.max_seq_length = shortest.tokens
    if not lower_limits(module, shortest.tokens) and not unlimited:
        return RotaryRule()
    return RotaryRule(
        f"inputs of the model {name!r} are cut to {shortest.tokens} tokens: beyond that, its rotary embeddings"
        f" ({shortest.kind}) depend on the longest input of a batch"
    )


def _lengths(config: Any) -> Iterator[OriginalLength]:
    """Yield the lengths in a configuration, whose parameters may be listed by type of layer."""
    parameters = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None)
    if not isinstance(parameters, Mapping):
        return
    for one in (parameters, *parameters.values()):
        if not isinstance(one, Mapping) or one.get(
            "alpha"
        ):  # HunYuan's alpha fixes the frequencies of "dynamic"
            continue
        kind = _KINDS.get(str(one.get("rope_type") or one.get("type")))
        longest = getattr(config, "max_position_embeddings", None)
        if kind == "longrope":
            stated = one.get("original_max_position_embeddings")
            longest = stated or getattr(config, "original_max_position_embeddings", None) or longest
        if kind is not None and longest is not None:
            yield OriginalLength(kind, int(longest))
