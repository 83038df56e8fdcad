"""zerank-1, zerank-1-small and zerank-2: https://huggingface.co/zeroentropy/zerank-1, https://huggingface.co/zeroentropy/zerank-2.

The query is the system's message of a Qwen3 chat, and the document the user's, both without whitespace around them. The
score is the logit of Yes. For a probability, the cards divide it by 5 before the sigmoid; the order is the same. The
code in the repository of zerank-1 does what this form says, and is not needed.
"""

from __future__ import annotations

import re

from evalkit.encoding.input_forms.form import InputForm
from evalkit.encoding.input_forms.heads import TokenHead
from evalkit.encoding.input_forms.preset import Preset

_NAME = "zerank"
_CHAT = (
    "<|im_start|>system\n{query}<|im_end|>\n<|im_start|>user\n{document}<|im_end|>\n<|im_start|>assistant\n"
)

PRESET = Preset(
    name=_NAME,
    families=("Qwen3",),
    owners=("zeroentropy",),
    names=re.compile(r"zerank-(1(-small)?|2(-reranker)?)"),
    form=InputForm(
        _NAME,
        (_CHAT,),
        strip=True,
    ),
    head=TokenHead("Yes"),
    replaces_code=True,
)
