"""Dataset sources. ``load_dataset`` loads a dataset; each source is one file and one line in the registry."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.datasets.frames import dataset_from_frames, dataset_from_pairs
    from evalkit.datasets.loading import describe, load_dataset, open_dataset
    from evalkit.datasets.named_blocks import named_block, named_datasets, one_dataset, query_texts
    from evalkit.datasets.saved_folders import import_dataset, save_dataset

__all__ = [
    "dataset_from_frames",
    "dataset_from_pairs",
    "describe",
    "import_dataset",
    "load_dataset",
    "named_block",
    "named_datasets",
    "one_dataset",
    "open_dataset",
    "query_texts",
    "save_dataset",
]

__getattr__ = load_on_use(__name__)
