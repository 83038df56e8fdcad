"""Score batches whose inputs have different numbers of end tokens, which some classifiers refuse.

The classifiers of T5 and BART read the last end-of-sequence token of each input, and find it only where all inputs of a
batch have the same number of them: a text with ``</s>`` in it would end the run.
"""

from __future__ import annotations

from typing import Any

_READERS = frozenset(
    f"{family}ForSequenceClassification"
    for family in ("T5", "MT5", "UMT5", "Bart", "MBart", "PLBart", "Mvp", "BigBirdPegasus")
)


def reads_end_tokens(architectures: tuple[str, ...]) -> bool:
    """Return whether a model's classifier reads the last end-of-sequence token."""
    return not _READERS.isdisjoint(architectures)


def group_by_end_tokens(model: Any) -> None:
    """Let a classifier compute inputs with different numbers of end tokens in separate passes.

    Parameters
    ----------
    model
        A classifier of transformers; its `forward` is replaced.
    """
    import torch

    forward, end = model.forward, getattr(model.config, "eos_token_id", None)
    if end is None:  # the configuration of a model's own code may have none
        return

    def part(value: Any, rows: Any) -> Any:
        return value[rows] if torch.is_tensor(value) else value

    def grouped(input_ids: Any, **inputs: Any) -> Any:
        counts = input_ids.eq(end).sum(dim=1)
        if (counts == counts[0]).all():
            return forward(input_ids=input_ids, **inputs)
        found: list[tuple[Any, Any]] = []
        for count in counts.unique():
            rows = torch.nonzero(counts == count).squeeze(1)
            parts = {name: part(value, rows) for name, value in inputs.items()}
            found.append((rows, forward(input_ids=input_ids[rows], **parts)))
        order = torch.cat([rows for rows, _ in found]).argsort()
        return type(found[0][1])(logits=torch.cat([outputs.logits for _, outputs in found])[order])

    model.forward = grouped
