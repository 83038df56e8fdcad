"""mT5 on mMARCO: https://huggingface.co/unicamp-dl/mt5-base-mmarco-v2, its version 1, and mt5-base-en(-pt)-msmarco.

The form is that of monoT5, and the tokens are yes and no: https://github.com/castorini/pygaggle.
"""

from __future__ import annotations

import re

from evalkit.encoding.input_forms.form import InputForm
from evalkit.encoding.input_forms.heads import TokenHead
from evalkit.encoding.input_forms.preset import Preset

_NAME = "mt5_mmarco"

PRESET = Preset(
    name=_NAME,
    families=("T5", "MT5", "UMT5"),
    repositories=re.compile(r"(?<!\w)mt5-base-(mmarco|en-msmarco|en-pt-msmarco)"),
    form=InputForm(_NAME, ("Query: {query} Document: {document} Relevant:",), special_tokens=True),
    head=TokenHead("\u2581yes", "\u2581no"),
)
