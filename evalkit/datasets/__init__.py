"""Dataset sources. ``load_dataset`` is the way in; each source is one file and one registry line."""

from evalkit.datasets.load import load_dataset, open_dataset

__all__ = ["load_dataset", "open_dataset"]
