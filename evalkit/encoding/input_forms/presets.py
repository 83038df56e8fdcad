"""The registry of presets."""

from __future__ import annotations

from evalkit.encoding.input_forms import (
    bge_reranker_v2_gemma,
    bge_reranker_v2_minicpm_layerwise,
    ctxl_rerank_v2,
    llama_nemotron_rerank,
    monot5,
    mt5_mmarco,
    mxbai_rerank_v2,
    ptt5_msmarco,
    qwen3_reranker,
    rankt5,
    zerank,
)
from evalkit.encoding.input_forms.preset import Preset
from evalkit.errors import UnknownNameError

PRESETS: tuple[Preset, ...] = (
    qwen3_reranker.PRESET,
    bge_reranker_v2_gemma.PRESET,
    mxbai_rerank_v2.PRESET,
    zerank.PRESET,
    ctxl_rerank_v2.PRESET,
    llama_nemotron_rerank.PRESET,
    bge_reranker_v2_minicpm_layerwise.PRESET,
    monot5.PRESET,
    mt5_mmarco.PRESET,
    ptt5_msmarco.PRESET,
    rankt5.PRESET,
)
"""All presets. Their patterns exclude each other, so that the order does not matter."""


def preset_names() -> list[str]:
    """Return the names of all presets."""
    return [preset.name for preset in PRESETS]


def preset_named(name: str) -> Preset:
    """Return the preset of a name.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    for preset in PRESETS:
        if preset.name == name:
            return preset
    raise UnknownNameError("input form", name, preset_names())
