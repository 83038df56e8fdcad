"""The metrics that other packages compute, through ir_measures: who computes each, and what it needs.

The list holds every name of ir_measures that `definitions.DEFINITIONS` lacks, so that what a name means, and why it is
refused, does not depend on the installed packages. ir_measures says which parameters exist; the records add what its
providers require beyond that.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bound:
    """The values that a numeric parameter may have.

    Attributes
    ----------
    parameter
        Name of the parameter.
    low, high
        Smallest and largest value; `low` itself is impossible where `above_low` is set, `high` where `below_high` is.
    """

    parameter: str
    low: float
    high: float = float("inf")
    above_low: bool = False
    below_high: bool = False

    def allows(self, value: float) -> bool:
        """Return whether a value is possible."""
        above = value > self.low if self.above_low else value >= self.low
        below = value < self.high if self.below_high else value <= self.high
        return above and below

    @property
    def text(self) -> str:
        """The possible values in words."""
        low = f"above {self.low:g}" if self.above_low else f"of {self.low:g} or more"
        if self.high == float("inf"):
            return low
        return f"{low} and {'below' if self.below_high else 'at most'} {self.high:g}"


_WHOLE_GRADES = {"pytrec_eval", "pyndeval"}
"""Providers whose packages take whole grades. All their metrics only ask whether a grade is at least ``rel``, a whole
number, or below 0: grades that are rounded down give the same answer, so their values are exact for fractional ones."""


@dataclass(frozen=True, slots=True)
class ProvidedMetric:
    """A metric that another package computes.

    Attributes
    ----------
    name
        Canonical name in ir_measures.
    package
        The package that computes it, as on the package index.
    provider
        Name of ir_measures' provider for that package.
    example
        A complete name, for hints.
    aliases
        Other names in ir_measures.
    typed
        How other tools and people write the name, in lower case and without separators.
    needs
        Parameters that must be given.
    needs_cutoff, takes_cutoff
        Whether it is undefined without a cutoff, and whether it may have one.
    highest_cutoff
        The largest cutoff that the package computes; None for no limit.
    by_subtopic
        Whether it needs judgments by subtopic.
    level
        Whether it takes a level of recall where others take a cutoff.
    bounds
        The possible values of numeric parameters.
    extra
        The extra of evalkit that installs the package; None if the package is always installed.
    """

    name: str
    package: str
    provider: str
    example: str
    aliases: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    needs_cutoff: bool = False
    takes_cutoff: bool = True
    highest_cutoff: int | None = None
    by_subtopic: bool = False
    level: bool = False
    bounds: tuple[Bound, ...] = ()
    extra: str | None = None

    @property
    def takes_fractions(self) -> bool:
        """Whether the package takes fractional grades; the others take them rounded down, which changes no value."""
        return self.provider not in _WHOLE_GRADES


_REL = Bound("rel", 1)
_P = Bound("p", 0, 1, above_low=True, below_high=True)
_T = Bound("T", 0, above_low=True)
_ALPHA = Bound("alpha", 0, 1)
_BETA = Bound("beta", 0, 1, above_low=True)
_DEEPEST_NDEVAL = 20
"""ndeval.c computes the first 20 places only."""
_DEEPEST_CWL = 1_000
"""cwl-eval reads the first 1,000 documents of a list."""


def _trec(name: str, example: str, **more: object) -> ProvidedMetric:
    """Return a metric of trec_eval, without a cutoff."""
    settings = {"bounds": (_REL,), "takes_cutoff": False, **more}
    return ProvidedMetric(name, "pytrec-eval-terrier", "pytrec_eval", example, **settings)  # type: ignore[arg-type]


def _cwl(name: str, example: str, *bounds: Bound, **more: object) -> ProvidedMetric:
    """Return a metric of cwl-eval, which scales grades to gains from 0 to 1."""
    settings = {"needs": ("max_rel",), "bounds": bounds, "takes_cutoff": "@" in example, **more}
    return ProvidedMetric(
        name,
        "cwl-eval",
        "cwl_eval",
        example,
        needs_cutoff="@" in example,
        highest_cutoff=_DEEPEST_CWL if "@" in example else None,
        extra="metrics",
        **settings,  # type: ignore[arg-type]
    )


def _subtopic(name: str, typed: str, *bounds: Bound, cutoff: bool = True, **more: object) -> ProvidedMetric:
    """Return a metric of pyndeval, computed from judgments by subtopic."""
    return ProvidedMetric(
        name,
        "pyndeval",
        "pyndeval",
        f"{name}@{_DEEPEST_NDEVAL}" if cutoff else name,
        typed=(typed,),
        bounds=(_REL, *bounds),
        needs_cutoff=cutoff,
        takes_cutoff=cutoff,
        highest_cutoff=_DEEPEST_NDEVAL if cutoff else None,
        by_subtopic=True,
        extra="metrics",
        **more,  # type: ignore[arg-type]
    )


PROVIDED: tuple[ProvidedMetric, ...] = (
    _trec("Rprec", "Rprec", aliases=("RPrec",), typed=("rprecision",)),
    _trec("Bpref", "Bpref", aliases=("BPref",)),
    _trec("infAP", "infAP"),
    _trec(
        "IPrec",
        "IPrec@0.1",
        level=True,
        needs=("recall",),
        typed=("iprecatrecall",),
        bounds=(_REL, Bound("recall", 0, 1)),
    ),
    _trec("SetP", "SetP"),
    _trec("SetRelP", "SetRelP", typed=("setrelativep",)),
    _trec("SetR", "SetR", typed=("setrecall",)),
    _trec("SetF", "SetF", bounds=(_REL, Bound("beta", 0))),
    _trec("SetAP", "SetAP", typed=("setmap",)),
    ProvidedMetric("Accuracy", "ir-measures", "accuracy", "Accuracy", bounds=(_REL,)),
    ProvidedMetric(
        "Compat",
        "ir-measures",
        "compat",
        "Compat",
        typed=("compatibility",),
        takes_cutoff=False,
        bounds=(Bound("p", 0, 1, above_low=True),),
    ),
    _cwl("RBP", "RBP(rel=1)", _REL, _P, needs=("rel",), typed=("rankbiasedprecision",)),
    _cwl("BPM", "BPM(max_rel=3)@10", _T),
    _cwl("SDCG", "SDCG(max_rel=3)@10"),
    _cwl("NERR8", "NERR8(max_rel=3)@10"),
    _cwl("NERR9", "NERR9(max_rel=3)@10"),
    _cwl("NERR10", "NERR10(max_rel=3)", _P),
    _cwl("NERR11", "NERR11(max_rel=3)", _T),
    _cwl("INST", "INST(max_rel=3)", _T),
    _cwl("INSQ", "INSQ(max_rel=3)", _T),
    _subtopic("alpha_DCG", "alphadcg", _ALPHA, aliases=("\N{GREEK SMALL LETTER ALPHA}_DCG",)),
    _subtopic("alpha_nDCG", "alphandcg", _ALPHA, aliases=("\N{GREEK SMALL LETTER ALPHA}_nDCG",)),
    _subtopic("ERR_IA", "erria"),
    _subtopic("nERR_IA", "nerria"),
    _subtopic("NRBP", "nrbp", _ALPHA, _BETA, cutoff=False),
    _subtopic("nNRBP", "nnrbp", _ALPHA, _BETA, cutoff=False),
    _subtopic("AP_IA", "apia", cutoff=False, aliases=("MAP_IA",)),
    _subtopic("P_IA", "pia"),
    _subtopic("StRecall", "strec"),
)
"""In the order of the reference."""

UNAVAILABLE = {
    "nerr": (
        "no package computes ERR over the ERR of the best list",
        "use ERR@10, or nERR_IA@20 with subtopics",
    ),
    "gmap": ("a geometric mean is not a mean of the queries' values", "use AP"),
    "gm_map": ("a geometric mean is not a mean of the queries' values", "use AP"),
    "f1": ("SetF is the F measure of a whole list", "use SetF, which is F1, or SetF(beta=0.5)"),
    "auc": ("it is a metric of classifiers, not of ranked lists", "use Accuracy, or AP"),
}
"""Names in lower case that people look for -> why there is no such metric, and what to write instead."""


def find_provided(name: str) -> ProvidedMetric | None:
    """Return the record of a metric by its name or an alias; None if no other package computes it."""
    return next((one for one in PROVIDED if name == one.name or name in one.aliases), None)
