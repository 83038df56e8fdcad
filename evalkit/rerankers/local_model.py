"""Settings of every reranker that runs a local model, and its times and facts for the results."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

from evalkit.cache import HASH_DIGITS, content_hash
from evalkit.config import RerankerSettings
from evalkit.encoding import Encoded, LocalModel
from evalkit.records import ServerTime

_COMMIT = re.compile("[0-9a-f]{40}")
"""A full commit of a hub repository. Branches and tags can be moved."""


class LocalModelSettings(LocalModel, RerankerSettings):
    """Settings of every reranker that is a local model."""

    spreads: ClassVar[bool] = True
    score_advice: ClassVar[str] = (
        "check that the model is a reranker: its input template must contain the query and the document, and its"
        " scoring head must be trained"
    )
    immaterial: ClassVar[frozenset[str]] = RerankerSettings.immaterial | {"threads", "batch_tokens"}

    def proven_by(self) -> str | None:
        """Return the hash of the model's files or its commit; None if other code or weights may be loaded."""
        if self.trust_remote_code:  # code of another repository may be loaded, in any version
            return None
        folder = Path(self.model)
        if folder.is_dir():
            if (folder / "adapter_config.json").is_file():  # its base model is in another folder
                return None
            return f"model files, sha256 {content_hash(folder)[:HASH_DIGITS]}"
        if self.revision is not None and _COMMIT.fullmatch(self.revision):
            return f"model {self.model}, commit {self.revision}"
        return None

    def fewer_bits(self) -> tuple[str, RerankerSettings] | None:
        """Return the precision and the settings of the same model in fp32; None if it runs in fp32."""
        if self.precision == "fp32":
            return None
        return self.precision, self.model_copy(update={"precision": "fp32"})

    def on_replica(self, cpus: int) -> LocalModelSettings:
        """Return settings that use the processors of a replica, unless `threads` is configured."""
        return self if self.threads is not None else self.model_copy(update={"threads": cpus})


def times_of(*encoded: Encoded) -> tuple[ServerTime, ...]:
    """Return a call's seconds of tokenisation and of forward passes."""
    return (
        ServerTime("tokenise", sum(one.tokenise_s for one in encoded), "tokenising"),
        ServerTime("forward", sum(one.forward_s for one in encoded), "the model, and copying its result"),
    )


def pool_facts(engine_facts: dict[str, Any], max_length: int | None) -> dict[str, Any]:
    """Return the facts of an engine with the length limit added, for the manifest."""
    return {**engine_facts, "max_length_tokens": max_length}
