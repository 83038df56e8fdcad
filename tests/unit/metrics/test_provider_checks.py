"""A name either works, or is refused with the reason and what to write instead, whatever is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import ir_measures
import pytest

from evalkit.errors import EvalkitError, InputError
from evalkit.metrics import definitions, parse_metric, proper_name
from evalkit.metrics.provided import PROVIDED, UNAVAILABLE

REFUSED = {
    "IPrec": ("needs a level of recall", "write IPrec@0.1"),
    "IPrec@10": ("recall must be a number of 0 or more and at most 1", "write IPrec@0.1"),
    "IPrec@0.125": ("levels of recall with two decimals", "write IPrec@0.1"),
    "RBP": ("needs rel", "write RBP(rel=1)"),
    "RBP(rel=1)@10": ("takes no cutoff", "write RBP(rel=1)"),
    "RBP(rel=1,p=1.5)": ("p must be a number above 0 and below 1", "write RBP(rel=1)"),
    "RBP(rel=True)": ("rel must be a whole number", "write RBP(rel=1)"),
    "RBP(rel=0)": ("rel must be a number of 1 or more", "write RBP(rel=1)"),
    "INST": ("needs max_rel", "write INST(max_rel=3), where 3 is the highest grade"),
    "INST(max_rel=0)": ("max_rel must be above min_rel, which is 0", "write INST(max_rel=3)"),
    "BPM": ("needs a cutoff", "write BPM(max_rel=3)@10"),
    "SDCG@10": ("needs max_rel", "write SDCG(max_rel=3)@10"),
    "SDCG(max_rel=3,dcg='exp-log2')@10": ("dcg must be 'log2'", "write SDCG(max_rel=3)@10"),
    "SDCG(max_rel=3)@1001": ("cutoffs up to 1000", "at most 1000"),
    "NERR8@10": ("needs max_rel", "write NERR8(max_rel=3)@10"),
    "alpha_nDCG": ("needs a cutoff", "write alpha_nDCG@20"),
    "alpha_nDCG@21": ("cutoffs up to 20", "at most 20"),
    "nERR@10": ("there is no metric 'nERR'", "use ERR@10"),
    "nERR": ("there is no metric 'nERR'", "use ERR@10"),
    "Rprec@5": ("takes no cutoff", "write Rprec"),
    "Rprec(q=1)": ("has no parameter 'q'", "Rprec takes rel, judged_only"),
    "IPrec@2000t": ("has no value at a budget of tokens", "nDCG@2000t"),
    "nDCG(rel=2)@10": ("nDCG has no parameter 'rel'", "write nDCG(gains={1:0})"),
    "ERR(rel=2)": ("ERR has no parameter 'rel'", "write ERR without parameters"),
    "AP(beta=2)": ("AP has no parameter 'beta'", "AP takes rel, judged_only"),
    "NumRel@10": ("takes no cutoff", "write NumRel"),
    "NumQ@100t": ("has no value at a budget of tokens", "nDCG@100t"),
}
TYPED = {
    "alpha-nDCG@20": "alpha_nDCG@20",
    "alpha-dcg@5": "alpha_DCG@5",
    "ERR-IA@20": "ERR_IA@20",
    "nERR-IA@10": "nERR_IA@10",
    "MAP-IA": "MAP_IA",
    "strec@10": "StRecall@10",
    "P-IA@5": "P_IA@5",
    "err@20": "ERR@20",
    "rbp(rel=1)": "RBP(rel=1)",
    "num_rel_ret": "NumRelRet",
    "num_q": "NumQ",
    "set_P": "SetP",
    "set_recall": "SetR",
    "set_F": "SetF",
    "set_map": "SetAP",
    "iprec_at_recall_0.10": "IPrec@0.10",
    "infap": "infAP",
    "bpref": "Bpref",
}


@pytest.fixture(params=["installed", "missing"])
def extras(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with the packages of the extra, and without."""
    found = request.param == "installed"
    monkeypatch.setattr("evalkit.metrics.provider_checks.find_spec", lambda _: True if found else None)
    return str(request.param)


@pytest.mark.usefixtures("extras")
@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_why_and_what_to_write(name: str) -> None:
    """The sentence is the same with and without the package that computes the metric."""
    with pytest.raises(InputError) as caught:
        parse_metric(name)
    message, hint = REFUSED[name]
    assert message in str(caught.value)
    assert hint in str(caught.value.hint)


def test_every_example_works_or_names_the_extra(extras: str) -> None:
    """What a hint says to write is a metric; without its package the command that installs it is printed."""
    for one in PROVIDED:
        if extras == "installed" or one.extra is None:
            assert parse_metric(one.example).name == one.name
            continue
        with pytest.raises(InputError, match=one.package) as caught:
            parse_metric(one.example)
        assert "pip install 'rerank-evalkit[metrics]'" in str(caught.value.hint)


def refusal_of(text: str) -> EvalkitError | None:
    """Return the error for a name; None if it is accepted."""
    try:
        parse_metric(text)
    except EvalkitError as error:
        return error
    return None


@pytest.mark.usefixtures("extras")
def test_no_name_of_ir_measures_is_a_riddle() -> None:
    """Each, bare and with a cutoff, is accepted or refused in one line with a hint, and without an object's address."""
    for name in ir_measures.measures.registry:
        for text in (
            name,
            f"{name}@10",
            f"{name}(rel=2)",
            f"{name}(max_rel=3)@5",
            f"{name}(judged_only=True)",
        ):
            error = refusal_of(text)
            if error is not None:
                assert error.hint, text
                assert text in error.message
                assert "<" not in error.render()
                assert error.render().count("\n") == 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("typed", TYPED)
def test_names_of_other_tools_are_read(typed: str) -> None:
    """Those of ndeval, of trec_eval, and of people."""
    assert proper_name(typed) == TYPED[typed]
    assert proper_name(TYPED[typed]) == TYPED[typed]


def test_levels_of_recall_may_be_whole() -> None:
    """``IPrec@1`` is the level 1.0."""
    assert parse_metric("IPrec@1") == parse_metric("IPrec@1.0") == parse_metric("IPrec(recall=1.0)")
    assert parse_metric("IPrec@0").cutoff is None


def test_names_without_a_metric_are_not_names_of_one() -> None:
    """What is refused by name is in neither list, however it is written."""
    known = {
        n.lower()
        for one in (*definitions.DEFINITIONS, *PROVIDED)
        for n in (one.name, *one.aliases, *one.typed)
    }
    assert not known & set(UNAVAILABLE)


@pytest.mark.parametrize("file", ["cwl.py", "cwl/__init__.py"])
def test_a_package_of_the_same_name_is_not_the_one(tmp_path: Path, file: str) -> None:
    """Common Workflow Language has a package ``cwl``, too: it is not cwl-eval."""
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    code = (
        "from evalkit.errors import MissingExtraError; from evalkit.metrics import parse_metric\n"
        "try: parse_metric('RBP(rel=1)')\n"
        "except MissingExtraError as error: print(error)"
    )
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert "which cwl-eval computes" in done.stdout


def test_own_metrics_need_no_other_package() -> None:
    """Reading and checking the names of evalkit's own metrics imports neither ir_measures nor pandas."""
    code = (
        "import sys; from evalkit.metrics import parse_metric, proper_name\n"
        "for n in ('nDCG@10', 'ERR@20', 'NumRel', 'P(judged_only=True)@5'): parse_metric(proper_name(n))\n"
        "assert not {'ir_measures', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
