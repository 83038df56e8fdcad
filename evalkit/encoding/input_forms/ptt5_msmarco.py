"""PTT5 on MS MARCO: https://huggingface.co/unicamp-dl/ptt5-base-pt-msmarco-100k-v2, and its other versions.

The form is that of monoT5, and the tokens are the Portuguese sim and não: https://github.com/castorini/pygaggle.
"""

from __future__ import annotations

import re
from dataclasses import replace

from evalkit.encoding.input_forms import monot5
from evalkit.encoding.input_forms.heads import TokenHead

_NAME = "ptt5_msmarco"

PRESET = replace(
    monot5.PRESET,
    name=_NAME,
    owners=("unicamp-dl",),
    names=re.compile(r"ptt5-base-(en-)?pt-msmarco(-(10k|100k)(-v[12])?)?"),
    form=replace(monot5.PRESET.form, name=_NAME),
    head=TokenHead("\u2581sim", "\u2581n\u00e3o"),
)
