"""Errors of libraries become one sentence that says what is wrong, and a hint that fits the cause."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path

import pytest

from evalkit.encoding.library_errors import hint_of, reason_of
from evalkit.encoding.library_runtime import model_errors
from evalkit.errors import InputError


class UnpicklingError(Exception):
    """Has the name of the error for damaged pickles."""


class SafetensorError(Exception):
    """Has the name of the error for damaged safetensors files."""


class PanicException(BaseException):
    """Has the base class of a panic in Rust."""


WEIGHTS_ONLY = (
    "Weights only load failed. In PyTorch 2.6, we changed the default value of the `weights_only` argument in"
    " `torch.load` from `False` to `True`. Re-running `torch.load` with `weights_only` set to `False` will likely"
    " succeed, but it can result in arbitrary code execution. Do it only if you got the file from a trusted source.\n"
)
"""Beginning of what torch says, recorded."""

PACKAGES = "This modeling file requires the following packages that were not found in your environment:"
UNKNOWN = "The checkpoint has model type `x` but Transformers does not recognize this architecture"

RECORDED: tuple[tuple[BaseException, str, str], ...] = (
    (
        UnpicklingError(
            WEIGHTS_ONLY + "\n\nTrying to load unsupported GLOBAL posix.mkdir whose module is blocked."
        ),
        "Trying to load unsupported GLOBAL posix.mkdir whose module is blocked",
        "convert its weights to model.safetensors",
    ),
    (
        UnpicklingError(
            WEIGHTS_ONLY
            + "Please file an issue with the following so that we can make `weights_only=True` compatible"
            " with your use case: WeightsUnpickler error: \n\nUnsupported operand 118\n\nCheck the documentation"
        ),
        "a weights file is not one that torch has saved",
        "Git LFS pointer",
    ),
    (
        SafetensorError("Error while deserializing header: header too large"),
        "Error while deserializing header: header too large",
        "git lfs pull",
    ),
    (
        RuntimeError(
            "PytorchStreamReader failed reading zip archive: failed finding central directory. This is"
        ),
        "PytorchStreamReader failed reading zip archive: failed finding central directory",
        "download its weights again",
    ),
    (
        RuntimeError(
            "You set `ignore_mismatched_sizes` to `False`, thus raising an error."
            " For details look at the above report!"
        ),
        "some of its weights have other shapes than its config.json says",
        "agree with its weights",
    ),
    (
        RuntimeError(
            "Error(s) in loading state_dict for Dense:\n\tsize mismatch for linear.weight: [8, 32]."
        ),
        "Error(s) in loading state_dict for Dense: size mismatch for linear.weight: [8, 32]",
        "agree with its weights",
    ),
    (
        ImportError(f"{PACKAGES} einops, flash_attn. Run `pip install einops flash_attn`"),
        f"{PACKAGES} einops, flash_attn",
        "pip install einops flash_attn",
    ),
    (
        ImportError(
            "Using `bitsandbytes` 4-bit quantization requires accelerate: `pip install 'accelerate>=1.1.0'`"
        ),
        "Using `bitsandbytes` 4-bit quantization requires accelerate: `pip install 'accelerate>=1.1.0'`",
        "pip install 'accelerate>=1.1.0'",
    ),
    (
        ImportError(
            "compressed-tensors>=0.15.0 is required. Please install it with `pip install c-t>=0.15.0`."
        ),
        "compressed-tensors>=0.15.0 is required",
        "pip install 'c-t>=0.15.0'",
    ),
    (
        ModuleNotFoundError("No module named 'torchao.x'"),
        "No module named 'torchao.x'",
        "pip install torchao",
    ),
    (
        ImportError(
            "cannot import name 'gone' from 'transformers.models.bert' (/lib/transformers/models/bert.py)"
        ),
        "cannot import name 'gone' from 'transformers.models.bert'",
        "install the version of transformers that its code needs",
    ),
    (
        ValueError(
            "The chat template of m cannot carry a 'query'/'document' pair. Pair inputs are mapped, e.g.:\n x"
        ),
        "The chat template of m cannot carry a 'query'/'document' pair",
        "use the template that it was trained with",
    ),
    (
        ValueError("Cannot handle batch sizes > 1 if no padding token is defined."),
        "Cannot handle batch sizes > 1 if no padding token is defined",
        "batch_tokens: 1",
    ),
    (
        IndexError("index -1 is out of bounds for dimension 1 with size 0"),
        "it cannot read an input without tokens, such as an empty text",
        "use the template that it was trained with",
    ),
    (
        OSError(
            "You are trying to access a gated repo.\nMake sure to have access to it at https://huggingface.co/a/b."
        ),
        "You are trying to access a gated repo",
        "HF_TOKEN",
    ),
    (
        RuntimeError(
            "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Non-zero status code returned while running Gather node."
            " Name:'/own/Gather' Status Message: indices element out of data bounds, idx=500"
        ),
        "indices element out of data bounds, idx=500",
        "use the tokenizer of this model",
    ),
    (
        ValueError(f"{UNKNOWN}. You can update Transformers with `pip install --upgrade transformers`."),
        UNKNOWN,
        "upgrade transformers",
    ),
    (
        FileNotFoundError("No such file or directory: m/model-00002-of-00002.safetensors"),
        "No such file or directory: m/model-00002-of-00002.safetensors",
        "download the files that are missing",
    ),
    (KeyError("sentence_embedding"), "it lacks 'sentence_embedding'", "put the Pooling module before"),
    (ValueError("\x1b[31mred\x1b[0m words\n" + "=" * 40), "red words", ""),
)


@pytest.mark.parametrize(("error", "reason", "hint"), RECORDED)
def test_the_first_sentence_that_informs_is_kept(error: BaseException, reason: str, hint: str) -> None:
    """What the libraries say, recorded from them, becomes one line without advice for programmers."""
    assert reason_of(error) == reason
    assert hint in (hint_of(error, "m") or "")


def test_the_cause_speaks_where_the_error_does_not() -> None:
    """An error without words of its own is explained by what caused it."""
    error = RuntimeError("---\n")
    error.__cause__ = ValueError("the cause")
    assert reason_of(error) == "the cause"


def test_an_error_without_words_is_named_with_its_place() -> None:
    """A bare assertion of a model's code is found by its file and line."""
    with pytest.raises(AssertionError) as caught:
        raise AssertionError
    assert reason_of(caught.value).startswith("AssertionError in line ")
    assert reason_of(caught.value).endswith(" of test_library_errors.py")


def test_a_long_message_is_shortened() -> None:
    """A message of one huge line stays readable."""
    assert len(reason_of(ValueError("x" * 100_000))) < 400


def remote(code: str) -> Callable[[], object]:
    """Return the function `run` of a module that transformers would have made of a model's repository."""
    module = types.ModuleType("transformers_modules.model.modeling")
    exec(code, module.__dict__)  # noqa: S102 - the code of this test
    return module.run  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "code",
    [
        "def run(): return ''.not_there_any_more",
        "def run(): return len()",
        "class Model:\n    pass\ndef run(): return report(Model())",
    ],
)
def test_code_of_a_model_that_fails_is_said_to_need_another_transformers(code: str) -> None:
    """Whether the model's own code fails or a library that handles an object of it."""

    def report(self: object) -> object:
        """Fail as the library does on a class written for another version of it."""
        return self.all_tied_weights_keys  # type: ignore[attr-defined]

    run = remote(code)
    run.__globals__["report"] = report
    with pytest.raises(InputError) as caught, model_errors("m", "be loaded"):
        run()
    assert "its code does not work with transformers" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("file", "hint"), [("adapter_config.json", "merge the adapter"), ("a.gguf", "GGUF"), ("x", "config.json")]
)
def test_a_folder_without_configuration_is_looked_into(tmp_path: Path, file: str, hint: str) -> None:
    """The hint fits what the folder has in place of a model."""
    (tmp_path / file).write_text("{}", encoding="utf-8")
    assert hint in str(
        hint_of(ValueError("Unrecognized model in x. Should have a `model_type`"), str(tmp_path))
    )


def test_a_panic_is_one_line_as_well() -> None:
    """What is no `Exception` becomes an `InputError`, too; an interrupt stays what it is."""
    with pytest.raises(InputError) as caught, model_errors("m", "tokenise"):
        raise PanicException("no entry found")
    assert str(caught.value) == "the model 'm' cannot tokenise: PanicException: no entry found"
    with pytest.raises(KeyboardInterrupt), model_errors("m"):
        raise KeyboardInterrupt
