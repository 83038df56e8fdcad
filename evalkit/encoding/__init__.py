"""Run local models: tokenise inputs, sort them by length, batch by tokens, run forward passes, restore the order.

Importing this package does not import torch.
"""

from evalkit.encoding.engine import Encoded, Engine
from evalkit.encoding.list_files import is_listwise
from evalkit.encoding.list_model import ListModel
from evalkit.encoding.model_settings import (
    Card,
    EmbeddingModel,
    Kind,
    LocalModel,
    ModelSettings,
    Precision,
    Runtime,
)
from evalkit.encoding.open_model import OpenModel, open_model
from evalkit.encoding.state import deciding_facts
from evalkit.encoding.tokens import Item

__all__ = [
    "Card",
    "EmbeddingModel",
    "Encoded",
    "Engine",
    "Item",
    "Kind",
    "ListModel",
    "LocalModel",
    "ModelSettings",
    "OpenModel",
    "Precision",
    "Runtime",
    "deciding_facts",
    "is_listwise",
    "open_model",
]
