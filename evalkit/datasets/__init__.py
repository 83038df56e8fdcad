"""Dataset sources. ``load_dataset`` is the way in; each source is one file and one registry line."""

from evalkit.datasets.describing import describe
from evalkit.datasets.frames import dataset_from_frames, dataset_from_pairs
from evalkit.datasets.keeping import import_dataset, save_dataset
from evalkit.datasets.load import load_dataset, open_dataset
from evalkit.datasets.naming import named_block, named_datasets

__all__ = [
    "dataset_from_frames",
    "dataset_from_pairs",
    "describe",
    "import_dataset",
    "load_dataset",
    "named_block",
    "named_datasets",
    "open_dataset",
    "save_dataset",
]
