"""bge-reranker-v2-minicpm-layerwise: https://huggingface.co/BAAI/bge-reranker-v2-minicpm-layerwise.

Its input is that of bge-reranker-v2-gemma, after the token with which its own tokenizer begins a text. The score is the
logit of the head of a layer, which the code in the repository computes.
"""

from __future__ import annotations

import re
from dataclasses import replace

from evalkit.encoding.input_forms import bge_reranker_v2_gemma
from evalkit.encoding.input_forms.heads import LayerHead
from evalkit.encoding.input_forms.preset import OWN_BEGIN, Preset

_NAME = "bge_reranker_v2_minicpm_layerwise"

PRESET = Preset(
    name=_NAME,
    families=("LayerWiseMiniCPM",),
    owners=("BAAI",),
    names=re.compile(r"bge-reranker-v2-minicpm-layerwise"),
    form=replace(bge_reranker_v2_gemma.PRESET.form, name=_NAME, begin=OWN_BEGIN),
    head=LayerHead(),
    owns_families=True,
)
