"""What a model's files say about the use of its vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evalkit.encoding.checkpoints.model_files import ModelFiles
from evalkit.errors import InputError


@dataclass(frozen=True, slots=True)
class VectorRules:
    """How the makers of an embedding model use it. Saved as JSON with an exported model.

    Attributes
    ----------
    similarity
        Name of the similarity of two vectors, as the files give it; None if they name none.
    truncate_dim
        Number of dimensions to keep of each vector; None for all.
    prompts
        Prompt name -> text that is put before an input.
    by_role
        Whether the model reads queries and documents differently, apart from their prompts.
    """

    similarity: str | None = None
    truncate_dim: int | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    by_role: bool = False

    @classmethod
    def of(cls, files: ModelFiles, *, by_role: bool) -> VectorRules:
        """Return the rules in ``config_sentence_transformers.json``.

        Prompts are those that the file lists: sentence-transformers adds an empty one for queries and for documents.

        Raises
        ------
        InputError
            If the file gives a number of dimensions that is no positive whole number.
        """
        content = files.library_config
        similarity, dimensions = content.get("similarity_fn_name"), content.get("truncate_dim")
        if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
            raise InputError(
                f"the model {files.name!r} has truncate_dim: {dimensions!r} in config_sentence_transformers.json,"
                " which is not a positive whole number",
                "correct the file",
            )
        prompts = {str(name): str(text or "") for name, text in (content.get("prompts") or {}).items()}
        return cls(None if similarity is None else str(similarity), dimensions, prompts, by_role)
