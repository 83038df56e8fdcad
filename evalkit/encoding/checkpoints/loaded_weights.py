"""Check that the weights of a model are those in its files: transformers makes up missing ones and goes on."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from evalkit.encoding.checkpoints.computed_buffers import is_native
from evalkit.encoding.checkpoints.unused_weights import adapter_advice, check_unused
from evalkit.encoding.replaced_function import replaced
from evalkit.errors import InputError

HOOK = "_load_pretrained_model"
"""The function of transformers, versions 5, that loads weights into a model and reports what it did not find. Only
callers of ``from_pretrained`` can ask for that report, and the caller is sentence-transformers."""
_ONE_AT_A_TIME = threading.Lock()
_MOST_NAMED = 3
_ALIKE = 0.8
"""Least similarity of two names of weights (`difflib`) that may be the same weight."""
_UNREAD = "pooler"
"""Module of an encoder that makes one vector of its first token; sentence-transformers reads the token vectors."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A weight whose shape in the files is not the shape that the configuration describes."""

    name: str
    in_files: tuple[int, ...]
    described: tuple[int, ...]


class WeightsReport:
    """What transformers found for one model that it loaded.

    The report is read after the load: until then, transformers takes tied weights and the like out of it.

    Attributes
    ----------
    model
        The model of transformers.
    """

    def __init__(self, model: Any, missing: Iterable[str] = (), unexpected: Iterable[str] = ()) -> None:
        self.model = model
        self._missing, self._unexpected = tuple(missing), tuple(unexpected)
        self._info: Any = None

    @classmethod
    def of(cls, model: Any, info: Any) -> WeightsReport:
        """Return the report of a record of transformers, which is still being changed."""
        report = cls(model)
        report._info = info
        return report

    @property
    def is_from_transformers(self) -> bool:
        """Whether transformers built the model and read its files, and not code of the model."""
        return self._info is not None

    @property
    def missing(self) -> list[str]:
        """Names of weights that the files lack, sorted."""
        names = self._missing if self._info is None else self._info.missing_keys
        tied = _tied(self.model, set(names))
        return sorted(name for name in names if name not in tied and not _is_from_adapter(self.model, name))

    @property
    def unexpected(self) -> list[str]:
        """Names of weights in the files that the model lacks, sorted."""
        return sorted(self._unexpected if self._info is None else self._info.unexpected_keys)

    @property
    def mismatches(self) -> list[Mismatch]:
        """Weights of another shape, sorted by name."""
        found = () if self._info is None else self._info.mismatched_keys
        return [Mismatch(str(name), tuple(a), tuple(b)) for name, a, b in sorted(found)]


@contextmanager
def reported_weights() -> Iterator[list[WeightsReport]]:
    """Collect the reports of all models that this thread loads in the block.

    Models are loaded one at a time: transformers sets the number format of new weights for the whole process, too.

    Raises
    ------
    InputError
        If this version of transformers has no such report.
    """
    import transformers

    base, reports, thread = transformers.PreTrainedModel, list[WeightsReport](), threading.get_ident()
    if HOOK not in vars(base):
        raise InputError(
            f"transformers {transformers.__version__} does not report which weights of a model are missing",
            "install transformers 5.24, with which evalkit is tested",
        )
    load, plain_load = getattr(base, HOOK), base.load_state_dict

    def reporting(*parts: Any, **named: Any) -> Any:
        found = load(*parts, **named)
        if threading.get_ident() == thread:
            reports.append(WeightsReport.of(named.get("model", parts[0] if parts else None), found[0]))
        return found

    def reporting_plainly(model: Any, *parts: Any, **named: Any) -> Any:
        """Report the weights of models whose own code reads the files."""
        found = plain_load(model, *parts, **named)
        if threading.get_ident() == thread:
            reports.append(WeightsReport(model, found.missing_keys, found.unexpected_keys))
        return found

    with (
        _ONE_AT_A_TIME,
        replaced(base, HOOK, staticmethod(reporting)),
        replaced(base, "load_state_dict", reporting_plainly),
    ):
        yield reports


def check_shapes(name: str, reports: Sequence[WeightsReport]) -> None:
    """Check that the weights have the shapes that the configuration describes.

    Raises
    ------
    InputError
        If one has not; transformers stops at it, too, and its message does not say which one.
    """
    for report in reports:
        if found := report.mismatches:
            first = found[0]
            more = f" ({len(found) - 1} more differ)" if len(found) > 1 else ""
            named = getattr(report.model.config, "architectures", None)
            advice = "correct its config.json, or download its files again"
            if not named:
                advice = (
                    f'add "architectures": ["{type(report.model).__name__}"] to its config.json, and id2label or'
                    " num_labels if it has not 2 labels"
                )
            raise InputError(
                f"the model {name!r} does not fit its config.json: {first.name} has the shape {first.in_files} in its"
                f" files, and config.json describes {first.described}{more}",
                advice,
            )


def check_weights(name: str, reports: Sequence[WeightsReport], library_model: Any) -> None:
    """Check that no weight is missing that scores depend on, and that the model uses those in its files.

    Raises
    ------
    InputError
        If one is missing or unused, with the names of the first ones; or if transformers reported nothing at all.
    """
    import transformers

    check_shapes(name, reports)
    loaded = [
        model
        for model in library_model.modules()
        if isinstance(model, transformers.PreTrainedModel) and is_native(model)
    ]
    if loaded and not reports:
        raise InputError(
            f"transformers did not report which weights of the model {name!r} are missing",
            "install transformers 5.24, with which evalkit is tested",
        )
    unread = {id(model) for model in _read_by_token(library_model)}
    for report in reports:
        missing = report.missing
        if id(report.model) in unread:
            missing = [one for one in missing if one.split(".")[0] != _UNREAD]
        if missing:
            raise InputError(
                f"the model {name!r} lacks weights of {type(report.model).__name__}, which would be random:"
                f" {_listed(missing)}",
                _advice(report, missing),
            )
        check_unused(name, report.model, report.unexpected)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"


def _advice(report: WeightsReport, missing: Sequence[str]) -> str:
    if advice := adapter_advice(report.unexpected):
        return advice
    alike = difflib.get_close_matches(missing[0], report.unexpected, n=1, cutoff=_ALIKE)
    if alike:
        return f"rename the weights in its files: they have {alike[0]} in place of {missing[0]}"
    body = getattr(report.model, "base_model_prefix", "")
    if body and hasattr(report.model, body) and not any(one.startswith(f"{body}.") for one in missing):
        return "use a model with a trained head, or backend: bi_encoder for an embedding model"
    return "download all its files again, or correct its config.json"


def _tied(model: Any, missing: set[str]) -> set[str]:
    """Return the missing weights that are the same tensor as one that was loaded."""
    weights = dict(model.named_parameters(remove_duplicate=False))
    loaded = {id(weight) for name, weight in weights.items() if name not in missing}
    return {name for name in missing if id(weights.get(name)) in loaded}


def _is_from_adapter(model: Any, name: str) -> bool:
    """Return whether an adapter brings the module of a weight, such as the head that was trained with it."""
    module = name.rpartition(".")[0]
    return any(one.startswith(f"{module}.modules_to_save.") for one, _ in model.named_parameters())


def _read_by_token(library_model: Any) -> Iterator[Any]:
    """Yield the models of transformers of which sentence-transformers reads the vectors of tokens alone."""
    for module in library_model.modules():
        ways = getattr(module, "modality_config", None)
        way = ways.get("text") if isinstance(ways, dict) else None
        if isinstance(way, dict) and way.get("method") == "forward":
            output = way.get("method_output_name")
            if output in ("last_hidden_state", ["last_hidden_state"], ("last_hidden_state",)):
                yield module.model
