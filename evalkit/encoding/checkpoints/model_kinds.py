"""Name the kind of a model from its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evalkit.encoding.checkpoints.model_files import ModelFiles

Family = Literal[
    "adapter",
    "causal",
    "classifier",
    "cross_encoder",
    "embedding",
    "encoder",
    "late_interaction",
    "layerwise",
    "listwise",
    "masked",
    "onnx_file",
    "gguf_file",
    "other",
    "seq2seq",
    "sparse",
    "static",
    "unnamed",
]
"""What a model does. ``encoder``: it has no head; ``other``: its head is for another task; ``unnamed``: its files do
not name its class."""


@dataclass(frozen=True, slots=True)
class ModelKind:
    """The kind of a model.

    Attributes
    ----------
    family
        What it does.
    words
        The same for messages, with the name of its class, such as ``a causal language model (Qwen3ForCausalLM)``.
    """

    family: Family
    words: str


_HEADS: tuple[tuple[str, Family, str], ...] = (
    ("ForSequenceClassification", "classifier", "a sequence classifier"),
    ("ForTokenClassification", "other", "a token classifier"),
    ("ForQuestionAnswering", "other", "a question answering model"),
    ("ForMultipleChoice", "other", "a multiple choice model"),
    ("ForNextSentencePrediction", "other", "a next sentence predictor"),
    ("ForImageClassification", "other", "a vision model"),
    ("ForImageTextRetrieval", "other", "a vision model"),
    ("ForObjectDetection", "other", "a vision model"),
    ("ForCTC", "other", "a speech model"),
    ("ForSpeechSeq2Seq", "other", "a speech model"),
    ("ForAudioClassification", "other", "an audio model"),
    ("ForRetrieval", "other", "a retriever of page images"),
    ("ForRanking", "listwise", "a listwise reranker"),
    ("ForMaskedLM", "masked", "a masked language model"),
    ("ForPreTraining", "masked", "a pretrained language model"),
    ("ForCausalLM", "causal", "a causal language model"),
    ("LMHeadModel", "other", "a language model of an old layout"),
    ("ForConditionalGeneration", "seq2seq", "an encoder-decoder model"),
    ("HF_ColBERT", "late_interaction", "a late-interaction model"),
    ("StaticModel", "static", "a static embedding model"),
    ("Model", "encoder", "an encoder without a head"),
)
"""Ending of a class's name -> family and words; the first that fits counts."""
_LATE_TYPES = frozenset({"MultiVectorEncoder", "ColBERT"})
"""How sentence-transformers and PyLate name late-interaction models."""
_SPARSE_MODULES = frozenset(
    {"MLMTransformer", "SpladePooling", "SparseAutoEncoder", "SparseStaticEmbedding", "IDF"}
)
_EMBEDDING_MODULES = frozenset(
    {"Pooling", "Router", "Asym", "WordEmbeddings", "BoW", "CLIPModel", "CLIP", "Normalize"}
)
"""Modules that only models with one vector per text have."""
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth")


def kind_of(files: ModelFiles) -> ModelKind:
    """Return the kind of a model: by its weights, its modules, or the class that its configuration names."""
    kind = _by_weights(files) or _by_modules(files)
    if kind is not None:
        return kind
    if files.architectures:
        return _by_class(files)
    if files.model_type == "model2vec":
        return ModelKind("static", "a static embedding model (Model2Vec)")
    return ModelKind("unnamed", "a model whose config.json names no class")


def _by_weights(files: ModelFiles) -> ModelKind | None:
    """Return the kind of a model whose weights are of another format, or only part of a model; None for others."""
    if files.adapter_config and not files.config and not files.modules:
        base = files.adapter_config.get("base_model_name_or_path")
        return ModelKind("adapter", f"an adapter for the model {str(base)!r}, without that model")
    if not Path(files.name).is_dir():
        return None  # of a hub model, the folder has the descriptions alone
    names = [path.name for path in (*files.folder.glob("*"), *files.folder.glob("*/*"))]
    if any(name.endswith(_WEIGHTS) for name in names):
        return None
    if any(name.endswith(".gguf") for name in names):
        return ModelKind("gguf_file", "a GGUF file")
    if any(name.endswith(".onnx") for name in names):
        return ModelKind("onnx_file", "an ONNX file without the weights that it was made of")
    return None


def _by_modules(files: ModelFiles) -> ModelKind | None:
    """Return the kind of a model of modules; None if they leave it to the class of the network."""
    kind, modules = str(files.library_config.get("model_type") or ""), set(files.modules)
    # Models of old versions of PyLate state no type; their prefixes show what they are.
    is_old_late = not kind and "query_prefix" in files.library_config and "Dense" in modules
    candidates: tuple[tuple[object, Family, str], ...] = (
        (kind in _LATE_TYPES or is_old_late, "late_interaction", "a late-interaction model"),
        (kind == "SparseEncoder" or modules & _SPARSE_MODULES, "sparse", "a sparse embedding model"),
        ("LogitScore" in modules, "cross_encoder", "a causal reranker"),
        (kind == "CrossEncoder", "cross_encoder", "a cross-encoder"),
        ("StaticEmbedding" in modules, "static", "a static embedding model"),
        (kind == "SentenceTransformer" or modules & _EMBEDDING_MODULES, "embedding", "an embedding model"),
    )
    for fits, family, words in candidates:
        if modules and fits:
            return ModelKind(family, f"{words} ({files.architectures[0]})" if files.architectures else words)
    return None


def _by_class(files: ModelFiles) -> ModelKind:
    """Return the kind of a model by the class that its configuration names first."""
    name = files.architectures[0]
    if name.startswith("LayerWise"):
        return ModelKind("layerwise", f"a layerwise reranker ({name})")
    family, words = next(
        ((family, words) for ending, family, words in _HEADS if name.endswith(ending)),
        _by_code(files),
    )
    if family == "seq2seq" and "vision_config" in files.config:
        family, words = "other", "a vision-language model"
    if family == "encoder" and "image_size" in files.config and "vocab_size" not in files.config:
        family, words = "other", "a vision model"
    labels = f" with {_labels(files)}" if family == "classifier" else ""
    return ModelKind(family, f"{words}{labels} ({name})")


def _by_code(files: ModelFiles) -> tuple[Family, str]:
    """Return family and words of a class of a name of its own: its code may say for what task it is."""
    code = files.config.get("auto_map")
    if isinstance(code, dict) and "AutoModelForSequenceClassification" in code:
        return "classifier", "a sequence classifier"
    return "encoder", "a model of a class of its own"


def _labels(files: ModelFiles) -> str:
    """Return how many labels a classifier has: transformers takes two where the configuration names none."""
    named = files.config.get("id2label")
    count = len(named) if isinstance(named, dict) else files.config.get("num_labels", 2)
    return f"{count} label" if count == 1 else f"{count} labels"
