"""mT5 on mMARCO: https://huggingface.co/unicamp-dl/mt5-base-mmarco-v2, its version 1, and mt5-base-en(-pt)-msmarco.

The form is that of monoT5, and the tokens are yes and no: https://github.com/castorini/pygaggle.
"""

from __future__ import annotations

import re
from dataclasses import replace

from evalkit.encoding.input_forms import monot5
from evalkit.encoding.input_forms.heads import TokenHead

_NAME = "mt5_mmarco"

PRESET = replace(
    monot5.PRESET,
    name=_NAME,
    owners=("unicamp-dl",),
    names=re.compile(r"mt5-base-(mmarco|en-msmarco|en-pt-msmarco)(-v[12])?"),
    form=replace(monot5.PRESET.form, name=_NAME),
    head=TokenHead("\u2581yes", "\u2581no"),
)
