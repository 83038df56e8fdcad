"""What transformers reports about the weights of models that it loads, and which of it is an error."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.models import make_classifier, save_tokenizer, tiny

from evalkit.encoding.checkpoints.loaded_weights import (
    HOOK,
    WeightsReport,
    check_shapes,
    check_weights,
    reported_weights,
)
from evalkit.errors import InputError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
sentence_transformers = pytest.importorskip("sentence_transformers")
pytestmark = pytest.mark.filterwarnings("default")


def load(folder: Path) -> Any:
    """Load a classifier of a folder as transformers does."""
    return transformers.AutoModelForSequenceClassification.from_pretrained(folder)


def drop(folder: Path, part: str) -> Path:
    """Drop the weights of a folder with a part in their names."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if part not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def make_encoder(folder: Path) -> Path:
    """Save a BERT without its pooler."""
    config = transformers.BertConfig(**tiny(num_hidden_layers=1))
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def embedder(folder: Path, output: str, mode: str = "mean") -> Any:
    """Return a sentence-transformers model that reads an output of a BERT."""
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    feature = "token_embeddings" if output == "last_hidden_state" else "sentence_embedding"
    way = {"text": {"method": "forward", "method_output_name": output}}
    reader = Transformer(str(folder), modality_config=way, module_output_name=feature)
    rest = [Pooling(16, mode)] if feature == "token_embeddings" else []
    return sentence_transformers.SentenceTransformer(modules=[reader, *rest], device="cpu")


def test_a_complete_model_lacks_nothing(tmp_path: Path) -> None:
    """One report per model, and no weight is missing, unexpected or of another shape."""
    with reported_weights() as reports:
        model = load(make_classifier(tmp_path))
    (report,) = reports
    assert report.model is model
    assert report.missing == report.unexpected == report.mismatches == []
    check_weights("m", reports, model)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    """The first three, sorted, and the number of the others."""
    with reported_weights() as reports:
        model = load(drop(make_classifier(tmp_path), "layer.1."))
    with pytest.raises(InputError) as caught:
        check_weights("m", reports, model)
    layer = "bert.encoder.layer.1.attention.output"
    assert str(caught.value) == (
        "the model 'm' lacks weights of BertForSequenceClassification, which would be random:"
        f" {layer}.LayerNorm.bias, {layer}.LayerNorm.weight, {layer}.dense.bias and 13 more"
    )


def test_the_functions_of_transformers_are_given_back(tmp_path: Path) -> None:
    """Also after an error: a later load reports to no one."""
    base = transformers.PreTrainedModel
    before = vars(base)[HOOK]
    (make_classifier(tmp_path) / "model.safetensors").unlink()
    with pytest.raises(OSError, match="no file named"), reported_weights() as reports:
        load(tmp_path)
    assert vars(base)[HOOK] is before
    assert "load_state_dict" not in vars(base)
    load(make_classifier(tmp_path))
    assert reports == []


def test_loads_of_other_threads_are_not_reported(tmp_path: Path) -> None:
    """What another thread loads in the meantime belongs to another model."""
    make_classifier(tmp_path)
    with reported_weights() as reports:
        other = threading.Thread(target=load, args=(tmp_path,))
        other.start()
        other.join()
    assert reports == []


def test_another_transformers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version without the function that reports cannot be checked: nothing is loaded."""
    monkeypatch.delattr(transformers.PreTrainedModel, HOOK)
    with pytest.raises(InputError, match="does not report which weights"), reported_weights():
        pytest.fail("nothing may be loaded")


def test_a_load_without_a_report_is_an_error(tmp_path: Path) -> None:
    """A version that loads in another way must not pass for one that found everything."""
    model = load(make_classifier(tmp_path))
    with pytest.raises(InputError, match="did not report which weights of the model 'm'"):
        check_weights("m", [], model)


@pytest.mark.parametrize("mode", ["mean", "cls"])
def test_a_pooler_that_nothing_reads_may_be_missing(tmp_path: Path, mode: str) -> None:
    """Poolings read the vectors of tokens."""
    make_encoder(tmp_path)
    with reported_weights() as reports:
        model = embedder(tmp_path, "last_hidden_state", mode)
    assert reports[0].missing == ["pooler.dense.bias", "pooler.dense.weight"]
    check_weights("m", reports, model)


def test_a_pooler_that_is_read_may_not_be_missing(tmp_path: Path) -> None:
    """Some models embed a text with it."""
    make_encoder(tmp_path)
    with reported_weights() as reports:
        model = embedder(tmp_path, "pooler_output")
    with pytest.raises(InputError, match=r"BertModel, .*: pooler\.dense\.bias, pooler\.dense\.weight$"):
        check_weights("m", reports, model)


@pytest.mark.parametrize("tied", [True, False])
def test_tied_weights_are_not_missing(tmp_path: Path, tied: bool) -> None:
    """An output layer that is the embeddings is not in the files; one of its own must be."""
    config = transformers.BertConfig(**tiny(is_decoder=True, tie_word_embeddings=tied))
    transformers.BertLMHeadModel(config).save_pretrained(tmp_path)
    with reported_weights() as reports:
        drop(tmp_path, "predictions.decoder")
        transformers.BertLMHeadModel.from_pretrained(tmp_path)
    wanted = [] if tied else ["cls.predictions.decoder.bias", "cls.predictions.decoder.weight"]
    assert set(wanted) >= set(reports[0].missing)
    assert bool(reports[0].missing) is not tied


def test_a_model_whose_own_code_reads_the_files_is_reported() -> None:
    """Code that loads weights by itself, without an error for missing ones, is seen as well."""

    class Own(transformers.BertModel):  # type: ignore[misc, name-defined]
        """Loads a part of its weights."""

        @classmethod
        def from_pretrained(cls) -> Any:
            """Return a model with the weights that are there."""
            model = cls(transformers.BertConfig(**tiny(num_hidden_layers=1)))
            weights = {name: weight for name, weight in model.state_dict().items() if "output" not in name}
            model.load_state_dict({**weights, "more": torch.zeros(1)}, strict=False)
            return model

    with reported_weights() as reports:
        model = Own.from_pretrained()
    assert reports[0].unexpected == ["more"]
    with pytest.raises(InputError, match=r"lacks weights of Own, .* and 5 more$"):
        check_weights("m", reports, model)


def test_a_head_that_an_adapter_brings_is_not_missing() -> None:
    """Adapters of classifiers come with their own head, which takes the place of the model's."""
    model = torch.nn.Module()
    model.score = torch.nn.Module()
    model.score.modules_to_save = torch.nn.ModuleDict({"default": torch.nn.Linear(2, 1)})
    model.head = torch.nn.Linear(2, 1)
    assert WeightsReport(model, ["score.weight", "head.weight"]).missing == ["head.weight"]


def test_weights_under_other_names_are_named(tmp_path: Path) -> None:
    """The hint says what the files have in place of the first missing weight."""
    model = load(make_classifier(tmp_path))
    report = WeightsReport(
        model, ["bert.encoder.layer.0.x.weight"], ["other", "bert.backbone.layer.0.x.weight"]
    )
    with pytest.raises(InputError) as caught:
        check_weights("m", [report], model)
    assert "bert.backbone.layer.0.x.weight in place of bert.encoder.layer.0.x.weight" in str(
        caught.value.hint
    )


@pytest.mark.parametrize(
    ("architectures", "advice"),
    [(None, 'add "architectures": ["Fake"] to its config.json'), (["Fake"], "correct its config.json")],
)
def test_a_weight_of_another_shape_is_named(architectures: list[str] | None, advice: str) -> None:
    """With both shapes; the configuration may lack the class, so that the library guesses the number of labels."""
    fake = type("Fake", (), {"config": SimpleNamespace(architectures=architectures)})()
    found = {("b.weight", torch.Size([2, 4]), torch.Size([1, 4])), ("c", torch.Size([2]), torch.Size([1]))}
    report = WeightsReport.of(fake, SimpleNamespace(mismatched_keys=found))
    with pytest.raises(InputError) as caught:
        check_shapes("m", [report])
    assert "b.weight has the shape (2, 4) in its files, and config.json describes (1, 4) (1 more" in str(
        caught.value
    )
    assert str(caught.value.hint).startswith(advice)


def test_weights_that_the_model_ignores_are_an_error(tmp_path: Path) -> None:
    """A configuration with fewer layers than the files gives another model."""
    folder = make_classifier(tmp_path)
    path = folder / "config.json"
    path.write_text(path.read_text().replace('"num_hidden_layers": 2', '"num_hidden_layers": 1'))
    with reported_weights() as reports:
        model = load(folder)
    with pytest.raises(InputError, match=r"has no place: bert\.encoder\.layer\.1\..* and 13 more$"):
        check_weights("m", reports, model)
