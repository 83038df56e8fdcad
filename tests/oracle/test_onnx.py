"""Exported models beside sentence-transformers, with tiny models made on the spot."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.models import make_causal, make_classifier, make_embedder

from evalkit.config import reranker_settings
from evalkit.encoding import model_settings
from evalkit.encoding.onnx_runtime import onnx_checks, onnx_export
from evalkit.encoding.onnx_runtime.onnx_model import OnnxModel
from evalkit.errors import ConfigError, InputError
from evalkit.rerankers import load_reranker
from evalkit.store.backend_identity import identity_of

pytest.importorskip("sentence_transformers", reason="needs the local extra")
pytest.importorskip("onnxruntime", reason="needs the onnx extra")
pytestmark = pytest.mark.filterwarnings("default")

QUERIES = ("the cat", "a dog sat on the mat", "", "yes no " * 20)
DOCUMENTS = ("the mat", "", "a cat sat on a mat", "dog " * 40, "unknown words", "the cat")
PAIRS = [(query, document) for query in QUERIES for document in DOCUMENTS]


@pytest.fixture(autouse=True)
def _own_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Export anew in every test."""
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))


def onnx(model: Path, backend: str = "cross_encoder", **settings: Any) -> Any:
    """Return a reranker that runs on ONNX."""
    return load_reranker(backend, model=str(model), runtime="onnx", batch_tokens=40, **settings)


@pytest.mark.parametrize("labels", [1, 3])
def test_logits_are_the_librarys(tmp_path: Path, labels: int) -> None:
    """Pairs of all lengths, cut on either side, score what `CrossEncoder.predict` gives, to 1e-5."""
    import torch
    from sentence_transformers import CrossEncoder

    model = make_classifier(tmp_path / "model", labels)
    own = CrossEncoder(str(model), device="cpu").predict(PAIRS, activation_fn=torch.nn.Identity())
    rows = onnx(model, **({} if labels == 1 else {"label": 1}))._engine.run(PAIRS)
    assert np.stack(rows.rows).squeeze() == pytest.approx(own, abs=1e-5)
    assert rows.truncated.tolist() == [len(f"{q} {d}".split()) > 24 - 3 for q, d in PAIRS]


def test_embeddings_are_the_librarys(tmp_path: Path) -> None:
    """The whole pipeline is exported, pooling and dense layer with it: cosines are the library's, to 1e-5."""
    from sentence_transformers import SentenceTransformer, util

    model = make_embedder(tmp_path / "model")
    own = SentenceTransformer(str(model), device="cpu")
    wanted = util.cos_sim(own.encode(list(QUERIES)), own.encode(list(DOCUMENTS))).numpy().ravel()
    assert onnx(model, "bi_encoder").score_pairs(PAIRS) == pytest.approx(wanted, abs=1e-5)


def test_int8_differs_and_ranks_almost_alike(tmp_path: Path) -> None:
    """Weights in 8 bits change scores, and ranks little; the manifest states the precision."""
    model = make_classifier(tmp_path / "model")
    full, fewer = onnx(model), onnx(model, precision="int8")
    one, other = full.score_pairs(PAIRS), fewer.score_pairs(PAIRS)
    assert not np.array_equal(one, other)
    assert np.corrcoef(one, other)[0, 1] > 0.9, "random weights are the hardest to quantise"
    assert (full.facts()["dtype"], fewer.facts()["dtype"]) == ("fp32", "int8")


def test_an_export_has_the_operations_of_its_format(tmp_path: Path) -> None:
    """Where the layers of a network are computed in another way, `_FORMAT` rises: no earlier export is used again."""
    import onnx as onnx_files

    onnx(make_classifier(tmp_path / "model"))
    (file,) = (tmp_path / "cache").rglob(onnx_export.MODEL)
    kinds = Counter(node.op_type for node in onnx_files.load(file).graph.node)
    found = {name: kinds[name] for name in ("MatMul", "Gather", "Slice")}
    assert (onnx_export._FORMAT, found) == (6, {"MatMul": 16, "Gather": 13, "Slice": 11})


def test_a_model_is_exported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second opening exports nothing; a changed model, or another length, is exported anew."""
    model = make_classifier(tmp_path / "model")
    onnx(model)
    exports: list[object] = []
    monkeypatch.setattr(onnx_export, "_export", lambda settings, _: exports.append(settings))
    onnx(model)
    assert not exports
    (model / "more.txt").write_text("changed", encoding="utf-8")
    with pytest.raises(InputError, match=r"card\.json"):  # this export writes nothing
        onnx(model)
    assert len(exports) == 1


def test_no_torch_at_run_time(tmp_path: Path) -> None:
    """Once exported, a model runs where torch, transformers and sentence-transformers cannot be imported."""
    model = make_classifier(tmp_path / "model")
    wanted = onnx(model, precision="int8").score_pairs(PAIRS)
    program = (
        "import sys\n"
        "for name in ('torch', 'transformers', 'sentence_transformers'): sys.modules[name] = None\n"
        "from evalkit.rerankers import load_reranker\n"
        f"mine = load_reranker('cross_encoder', model={str(model)!r}, precision='int8', batch_tokens=40)\n"
        f"print(mine.score_pairs({PAIRS!r}).tolist())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert np.array(eval(done.stdout)) == pytest.approx(wanted, abs=1e-5)  # noqa: S307 - a list of numbers


def test_a_model_with_a_template_is_refused(tmp_path: Path) -> None:
    """A model whose input is not its texts alone cannot run without its library; the hint says what can."""
    with pytest.raises(InputError, match="custom input format that cannot be exported") as caught:
        onnx(make_causal(tmp_path / "model"))
    assert caught.value.hint == "use runtime: torch"


def test_an_export_that_is_not_faithful_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export whose values differ from torch's is not used, and leaves nothing behind."""
    monkeypatch.setattr(onnx_checks, "FAITHFUL", -1.0)
    with pytest.raises(InputError, match="gives different scores after export to ONNX"):
        onnx(make_classifier(tmp_path / "model"))
    assert not [path for path in (tmp_path / "cache" / "onnx").iterdir() if path.is_dir()]


def test_an_export_that_cannot_be_loaded_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The very file that would be kept is loaded first; the refusal names the model and not the temporary file."""
    monkeypatch.setattr(onnx_export, "_write", lambda _, __, file: file.write_bytes(b"no model"))
    model = make_classifier(tmp_path / "model")
    with pytest.raises(InputError) as caught:
        onnx(model)
    start = f"the model {str(model)!r} cannot be exported to ONNX: the exported file cannot be loaded: "
    assert str(caught.value).startswith(start)
    assert caught.value.hint == "use runtime: torch"
    assert not [path for path in (tmp_path / "cache" / "onnx").iterdir() if path.is_dir()]


def test_a_model_with_weights_that_are_no_numbers_is_refused(tmp_path: Path) -> None:
    """A comparison with values that are no numbers says nothing: the model itself is refused."""
    from safetensors.torch import load_file, save_file

    model = make_classifier(tmp_path / "model")
    weights = load_file(model / "model.safetensors")
    weights["classifier.weight"] *= float("nan")
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="returns values that are not finite for test inputs, in fp32"):
        onnx(model)


def test_two_dense_layers_in_a_row_run_in_int8(tmp_path: Path) -> None:
    """A model whose layers feed each other directly is quantised, too: its cosines are near those in fp32."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense

    torch.manual_seed(5)
    modules = list(SentenceTransformer(str(make_embedder(tmp_path / "model")), device="cpu"))[:2]
    layers = [
        Dense(*sizes, bias=False, activation_function=torch.nn.Identity()) for sizes in ((16, 24), (24, 16))
    ]
    SentenceTransformer(modules=[*modules, *layers], device="cpu").save(str(tmp_path / "two"))
    one, other = (
        onnx(tmp_path / "two", "bi_encoder", precision=name).score_pairs(PAIRS) for name in ("fp32", "int8")
    )
    assert np.abs(one - other).max() < 0.1
    assert np.corrcoef(one, other)[0, 1] > 0.98


def test_a_damaged_export_is_one_clear_line(tmp_path: Path) -> None:
    """A file that is no model is reported with its path, and what to do; a shorter one would be exported again."""
    reranker = onnx(make_classifier(tmp_path / "model"))
    assert isinstance(reranker._model, OnnxModel)
    (file,) = (tmp_path / "cache").rglob("model.onnx")
    file.write_bytes(b"no model".ljust(file.stat().st_size))
    with pytest.raises(InputError, match="cannot be loaded") as caught:
        onnx(tmp_path / "model")
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"runtime": "torch", "precision": "int8"}, "cannot use int8 on torch"),
        ({"runtime": "onnx", "precision": "bf16"}, "cannot use bf16 on ONNX"),
        ({"runtime": "onnx", "device": "cuda"}, "cannot use device 'cuda' with ONNX, which runs on the CPU"),
    ],
)
def test_what_no_runtime_does_is_reported_before_anything_is_loaded(
    settings: dict[str, str], message: str
) -> None:
    """Runtime, precision and device that do not go together are a problem of the configuration."""
    with pytest.raises(ConfigError, match=message):
        load_reranker("cross_encoder", model="nowhere", **settings)


@pytest.mark.parametrize("runtime", ["torch", "onnx"])
def test_a_prompt_stands_before_the_query(tmp_path: Path, runtime: str) -> None:
    """Given a prompt, a cross-encoder that lists prompts scores what the library scores with that prompt."""
    import torch
    from sentence_transformers import CrossEncoder

    model, bare = tmp_path / "prompted", make_classifier(tmp_path / "model")
    listed: dict[str, Any] = {"prompts": {"search": "a cat "}, "default_prompt_name": "search"}
    CrossEncoder(str(bare), device="cpu", **listed).save_pretrained(str(model))
    own = CrossEncoder(str(model), device="cpu")
    wanted = own.predict(PAIRS, activation_fn=torch.nn.Identity(), prompt="a dog ")
    mine = load_reranker(
        "cross_encoder", model=str(model), runtime=runtime, instruction="a dog ", device="cpu"
    )
    assert mine.score_pairs(PAIRS) == pytest.approx(wanted, abs=1e-5)
    default = own.predict(PAIRS, activation_fn=torch.nn.Identity())
    assert np.abs(wanted - default).max() > 0.01
    mine = load_reranker("cross_encoder", model=str(model), runtime=runtime, device="cpu")
    assert mine.score_pairs(PAIRS) == pytest.approx(default, abs=1e-5)


@pytest.mark.parametrize("runtime", ["torch", "onnx"])
def test_a_classifier_without_prompts_takes_no_instruction(tmp_path: Path, runtime: str) -> None:
    """The instruction would become the begin of the query, in which such a model was not trained."""
    model = make_classifier(tmp_path / "model")
    with pytest.raises(
        InputError, match="no place for an instruction: it reads query and document as a plain"
    ):
        load_reranker("cross_encoder", model=str(model), runtime=runtime, instruction="a dog ", device="cpu")


def test_a_model_that_pools_without_its_prompt_is_refused(tmp_path: Path) -> None:
    """What the network does with a prompt is checked, too: one that leaves it out of the mean is not exported."""
    model = make_embedder(tmp_path / "model")
    (file,) = model.glob("*_Pooling/config.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "include_prompt": False}), encoding="utf-8")
    with pytest.raises(InputError, match="gives different scores after export to ONNX"):
        onnx(model, "bi_encoder")


def test_a_batch_beyond_the_memory_is_halved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ONNX Runtime says where memory ends, recorded from it, is understood: every pair gets its score."""
    mine = onnx(make_classifier(tmp_path / "model"))
    wanted = mine.score_pairs(PAIRS)
    session = mine._engine._network._session

    class Small:
        """A session with memory for one row."""

        def __init__(self, threads: int) -> None:
            self._own = session(threads)

        def run(self, names: Any, fed: dict[str, Any], options: Any) -> Any:
            """Run one row."""
            if len(fed["input_ids"]) > 1:
                raise RuntimeError(
                    "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Add node."
                    " Status Message: bfc_arena.cc:360 void* onnxruntime::BFCArena::AllocateRawInternal"
                    " Failed to allocate memory for requested buffer of size 402653184"
                )
            return self._own.run(names, fed, options)

    monkeypatch.setattr(mine._engine._network, "_session", Small)
    assert mine.score_pairs(PAIRS) == pytest.approx(wanted, abs=1e-5)
    assert mine.facts()["batches_halved"] > 0


def test_auto_counts_as_what_it_comes_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored scores of `auto` are those of the runtime that computed them: torch and ONNX never share any."""
    given = {"backend": "cross_encoder", "model": "nowhere"}

    def identity(**more: str) -> str:
        return identity_of(reranker_settings({**given, **more}))

    onnx, torch = identity(runtime="onnx"), identity(runtime="torch")
    assert onnx != torch
    assert identity() == torch
    assert identity(precision="int8") == identity(precision="int8", runtime="onnx") != onnx
    monkeypatch.setattr(
        model_settings, "find_spec", lambda name: None if name == "torch" else find_spec(name)
    )
    assert identity() == onnx
    assert identity(device="cuda") == identity(device="cuda", runtime="torch")
    assert identity(precision="bf16") == identity(precision="bf16", runtime="torch")
