"""Say what an exception of a library means, in one sentence, and what can be done about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType

from evalkit.errors import shortened


class OutOfMemoryError(Exception):
    """A forward pass needs more memory than is available."""


_MOST_CHARACTERS = 300
_REMOTE = "transformers_modules"
"""Package in which transformers puts the code of a model's repository."""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""Sequences that colour a terminal."""
_PREFIXES = re.compile(
    r"^\[ONNXRuntimeError\] : \d+ : \w+ : (?:Non-zero status code returned while running .*?Status Message: )?"
    r"|^Please file an issue with the following .*?:(?= |$)"
    r"|WeightsUnpickler error:"
)
"""Beginnings of a line that say nothing about the cause."""
_ENDINGS = re.compile(r"(?: \((?:/|[A-Z]:\\)[^)]*\)|(?<!\.)\.)$")
"""Ends of a sentence that say nothing: the path of an installed file, a full stop."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`'\"\[])")
_SAYS_NOTHING = re.compile(
    r"^(?:Traceback \(most recent call last\)"
    r'|File ".*", line \d+'
    r"|[\W_]*$"
    r"|The above exception was|During handling of the above"
    r"|Weights only load failed|In PyTorch 2\.6, we changed|Re-running `torch\.load`|Do it only if you"
    r"|You set `ignore_mismatched_sizes`|For details look at)"
)
"""Beginnings of sentences that do not say what is wrong."""
_MEANINGS = (
    (r"ignore_mismatched_sizes", "some of its weights have other shapes than its config.json says"),
    (r"Unrecognized processing class", "it has no tokenizer files that the installed transformers can read"),
    (r"Unsupported operand|invalid load key", "a weights file is not one that torch has saved"),
    (r"index out of range in self", "a token or a position is beyond its embeddings (index out of range)"),
    (
        r"index -1 is out of bounds .* with size 0",
        "it cannot read an input without tokens, such as an empty text",
    ),
)
"""Patterns of messages that do not say what is wrong, and what it is."""

_DAMAGED = (
    "download its weights again: a file is damaged, or a Git LFS pointer (in a clone, run 'git lfs pull')"
)
_HINTS = (
    (
        "does not recognize this architecture",
        "upgrade transformers ({installed} is installed), or set trust_remote_code: true if its repository has code",
    ),
    ("trust_remote_code", "set trust_remote_code: true if you trust the code in its repository"),
    (
        r"(?i)gated repo|is restricted|\b40[13] Client",
        "accept its terms on its page of the hub, and set HF_TOKEN to a token that may read it",
    ),
    (
        r"not found in your environment: ([\w\-]+(?:, [\w\-]+)*)",
        "install what its code imports: pip install {0}",
    ),
    (
        r"pip install (?:-U |--upgrade )?['\"]?([\w\-]+(?:\[[\w,\-]+\])?(?:[<>=!~]+[\d.]*\d)?)",
        "install what it needs: pip install '{0}'",
    ),
    (
        r"(?:cannot import name .*from|No module named) '(?:transformers|sentence_transformers)\b",
        "install the version of transformers that its code needs ({installed} is installed): see its model card",
    ),
    (rf"No module named '(?!{_REMOTE})(\w+)", "install what it needs: pip install {0}"),
    (
        r"(?i)flash_?attn|FlashAttention",
        "install flash-attn, or change attn_implementation in its config.json",
    ),
    (
        r"SafetensorError|PytorchStreamReader|Unsupported operand|invalid load key|EOFError|deserializing header",
        _DAMAGED,
    ),
    (
        r"weights_only|(?i:pickle)",
        "convert its weights to model.safetensors: weights in pickle files can run code when they are read",
    ),
    (
        r"(?i)chat.?template|TemplateError|UndefinedError|TemplateSyntaxError|index -1 .* with size 0",
        "use the template that it was trained with (see its model card); it must render the roles query and document",
    ),
    (
        r"no padding token|pad_token",
        "add the pad_token_id of its tokenizer to its config.json, or set batch_tokens: 1",
    ),
    (
        r"ignore_mismatched_sizes|size mismatch for|Missing key\(s\)",
        "make its config.json agree with its weights (sizes, number of labels), or download its files again",
    ),
    (
        r"(?i)sentencepiece|tiktoken",
        "install the packages that read its tokenizer: pip install sentencepiece tiktoken",
    ),
    (r"Unrecognized processing class", "add its tokenizer.json and tokenizer_config.json"),
    (
        "KeyError: 'sentence_embedding'",
        "put the Pooling module before those that read its vector in modules.json",
    ),
    ("No such file or directory", "download the files that are missing"),
    (
        r"no file named .*safetensors|Could not find 'model\.safetensors'",
        "add its weights: model.safetensors",
    ),
    (
        r"(?i)out of (?:data )?bounds|index out of range|device-side assert",
        "lower max_length_tokens, or use the tokenizer of this model: a token or a position is beyond its weights",
    ),
    (
        r"\bPEFT\b",
        "install the package of its adapter: pip install peft; or merge the adapter into the model",
    ),
)
"""Patterns of messages, and what can be done, with the pattern's groups filled in; the first that is found counts."""


def reason_of(error: BaseException) -> str:
    """Return the first sentence of an error, or of what caused it, that says what is wrong; on one line."""
    text = str(error)
    if isinstance(error, KeyError):
        return f"it lacks {text}"
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, text):
            return meaning
    for one in _causes(error):
        sentence = next(_informative(str(one)), None)
        if sentence is not None:
            return shortened(_ENDINGS.sub("", sentence), _MOST_CHARACTERS)
    return f"{type(error).__name__}{_place(error.__traceback__)}"


def named_reason(error: BaseException) -> str:
    """Return the reason, after the name of the exception if that name adds to it."""
    reason, kind = reason_of(error), type(error).__name__
    plain = isinstance(error, OSError | ValueError | RuntimeError | KeyError | ImportError)
    return reason if plain or reason.startswith(kind) or _has_meaning(error) else f"{kind}: {reason}"


def hint_of(error: BaseException, model: str) -> str | None:
    """Return what can be done about an error of the libraries; None if the error does not suggest it.

    Parameters
    ----------
    error
        What was raised while the libraries used a model.
    model
        Folder or hub id.
    """
    text = "\n".join(f"{type(one).__name__}: {one}" for one in _causes(error))
    if "Unrecognized model" in text:
        return _hint_of_folder(Path(model))
    if isinstance(error, AttributeError | TypeError | NameError) and _in_remote_code(error):
        return (
            "install the version of transformers that its model card names: its code does not work with"
            f" transformers {_installed()}"
        )
    for pattern, hint in _HINTS:
        found = re.search(pattern, text)
        if found:
            groups = (group.replace(", ", " ") for group in found.groups())
            return hint.format(*groups, installed=_installed())
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, what caused it, and so on."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _informative(text: str) -> Iterator[str]:
    """Yield the sentences of a message that say something; what ends in a colon goes on in the next line."""
    start = ""
    for raw in _CONTROL.sub("", text).splitlines():
        line = _PREFIXES.sub("", raw.strip()).strip()
        for sentence in _SENTENCE_END.split(line):
            if not sentence or _SAYS_NOTHING.match(sentence):
                continue
            start = f"{start} {sentence}".strip()
            if not start.endswith(":"):
                yield start
                start = ""
    if start:
        yield start.rstrip(": ")


def _has_meaning(error: BaseException) -> bool:
    return any(re.search(pattern, str(error)) for pattern, _ in _MEANINGS)


def _place(traceback: TracebackType | None) -> str:
    """Return file and line of the code that raised an error without a message."""
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return ""
    return f" in line {traceback.tb_lineno} of {Path(traceback.tb_frame.f_code.co_filename).name}"


def _in_remote_code(error: BaseException) -> bool:
    """Return whether code of a model's repository ran, or one of its classes was used, when an error was raised."""
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        own = frame.f_locals.get("self"), frame.f_locals.get("cls"), frame.f_locals.get("model")
        modules = [str(getattr(one, "__module__", "")) for one in own]
        if any(name.startswith(_REMOTE) for name in (str(frame.f_globals.get("__name__")), *modules)):
            return True
        traceback = traceback.tb_next
    return False


def _hint_of_folder(folder: Path) -> str:
    """Return what can be done about a model without a configuration that transformers knows."""
    if (folder / "adapter_config.json").is_file():
        return "merge the adapter into its base model, and use the merged model"
    if any(folder.glob("*.gguf")):
        return "use a folder with safetensors files, or run the GGUF file in a server and use backend: http"
    return "use a folder or a hub id with the config.json of transformers"


def _installed() -> str:
    try:
        return version("transformers")
    except PackageNotFoundError:
        return "no version"
