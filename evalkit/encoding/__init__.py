"""Run local models: tokenise inputs, sort them by length, batch by tokens, run forward passes, restore the order.

Importing this package does not import torch.
"""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.encoding.checkpoints.list_files import is_listwise
    from evalkit.encoding.embeddings.similarity import Similarity, similarities
    from evalkit.encoding.embeddings.text_vectors import TextVectors, VectorModel, open_text_vectors
    from evalkit.encoding.engine import Encoded, Engine
    from evalkit.encoding.instructions import InstructedEngines, pair_engine
    from evalkit.encoding.level_model import LevelModel
    from evalkit.encoding.model_settings import (
        Card,
        EmbeddingModel,
        Kind,
        LocalModel,
        ModelSettings,
        Precision,
        Runtime,
    )
    from evalkit.encoding.open_model import OpenModel
    from evalkit.encoding.state import deciding_facts
    from evalkit.encoding.tokens import Item
    from evalkit.encoding.torch_runtime.list_model import ListModel

__all__ = [
    "Card",
    "EmbeddingModel",
    "Encoded",
    "Engine",
    "InstructedEngines",
    "Item",
    "Kind",
    "LevelModel",
    "ListModel",
    "LocalModel",
    "ModelSettings",
    "OpenModel",
    "Precision",
    "Runtime",
    "Similarity",
    "TextVectors",
    "VectorModel",
    "deciding_facts",
    "is_listwise",
    "open_text_vectors",
    "pair_engine",
    "similarities",
]

__getattr__ = load_on_use(__name__)
