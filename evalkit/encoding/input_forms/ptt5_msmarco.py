"""PTT5 on MS MARCO: https://huggingface.co/unicamp-dl/ptt5-base-pt-msmarco-100k-v2, and its other versions.

The form is that of monoT5, and the tokens are the Portuguese sim and não: https://github.com/castorini/pygaggle.
"""

from __future__ import annotations

import re

from evalkit.encoding.input_forms.form import InputForm
from evalkit.encoding.input_forms.heads import TokenHead
from evalkit.encoding.input_forms.preset import Preset

_NAME = "ptt5_msmarco"

PRESET = Preset(
    name=_NAME,
    families=("T5", "MT5", "UMT5"),
    repositories=re.compile(r"ptt5-base-(en-)?pt-msmarco"),
    form=InputForm(_NAME, ("Query: {query} Document: {document} Relevant:",), special_tokens=True),
    head=TokenHead("\u2581sim", "\u2581n\u00e3o"),
)
