"""llama-nemotron-rerank: https://huggingface.co/nvidia/llama-nemotron-rerank-1b-v2, and llama-3.2-nv-rerankqa-1b-v2.

A classifier that reads question and passage as one text, whose end is cut. Its layers attend in both directions with
the code of its repository, which needs ``trust_remote_code``.
"""

from __future__ import annotations

import re

from evalkit.encoding.input_forms.form import InputForm
from evalkit.encoding.input_forms.preset import Preset

_NAME = "llama_nemotron_rerank"

PRESET = Preset(
    name=_NAME,
    families=("Llama", "LlamaBidirectional"),
    owners=("nvidia",),
    names=re.compile(r"llama-nemotron-rerank(-1b(-v2)?)?|llama-3\.2-nv-rerankqa-1b-v2"),
    form=InputForm(_NAME, ("question:{query} \n \n passage:{document}",), special_tokens=True, cut="end"),
    head=None,
)
