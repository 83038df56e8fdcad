"""A gate inside a test suite: copy this file among your tests, and pytest stops a reranker that got worse.

It needs a configuration and a baseline, see configs/nightly.yaml.
"""

from pathlib import Path

import evalkit

CONFIG = "configs/nightly.yaml"
BASELINE = "results/baselines/release-1"


def test_the_reranker_did_not_get_worse(tmp_path: Path) -> None:
    """No loss that matters on any metric of the gate: the verdicts say how sure that is."""
    folder = evalkit.run(CONFIG, into=tmp_path)
    found = evalkit.gate(folder.path, against=BASELINE)
    assert found.exit_code == 0, "\n".join(str(verdict) for verdict in found.verdicts)
