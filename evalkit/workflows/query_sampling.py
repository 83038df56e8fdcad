"""``evalkit queries sample``: draw queries from a log of searches, with known probabilities."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson
from numpy.typing import NDArray

from evalkit.cache import content_hash
from evalkit.errors import InputError, StorageError
from evalkit.files import write_file
from evalkit.formats.csv_text import could_run, csv_text
from evalkit.formats.query_logs import QueryLog, read_query_log
from evalkit.results.json_shapes import to_json
from evalkit.stats import equal_allocation, proportional_probabilities, systematic_draw
from evalkit.text_analysis import normal_form

Design = Literal["frequency", "strata", "distinct"]
COLUMNS = ("query_id", "text", "frequency", "inclusion_probability", "stratum")
NORMAL_FORM = "NFKC, case folded, white space collapsed"
"""Texts with the same normal form are one query; its text is the most frequent one of them."""
STRATA = ("head", "torso", "tail")
CERTAIN = "certain"
"""Stratum of the queries that every draw has."""
_ID_DIGITS = 16


@dataclass(frozen=True, slots=True)
class DrawSettings:
    """What to draw.

    Attributes
    ----------
    queries
        Size of the sample.
    design
        ``frequency``: probabilities proportional to frequency, systematic from a random order (see
        `evalkit.stats.systematic_draw`: its probabilities are exact, and it is linear in the number of queries, which
        rejective designs are not). ``strata``: equally many from head, torso and tail, each with a third of the traffic
        of the queries that are not certain. ``distinct``: every query with the same probability.
    seed
        Seed of the random generator.
    query, count
        Columns of the log; None for those with usual names.
    """

    queries: int
    design: Design = "frequency"
    seed: int = 0
    query: str | None = None
    count: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LoggedQueries:
    """The different queries of a log, in the order of their normal forms.

    Attributes
    ----------
    forms, texts
        ``(N,)`` normal form, and most frequent spelling.
    frequency
        ``(N,)`` how often each was searched for.
    """

    forms: tuple[str, ...]
    texts: tuple[str, ...]
    frequency: NDArray[np.float64]

    @classmethod
    def of_log(cls, log: QueryLog) -> LoggedQueries:
        """Return the queries of a log; the order of its rows does not matter."""
        frequency: dict[str, float] = {}
        best: dict[str, tuple[float, str]] = {}
        for text, count in log.counts.items():
            form = normal_form(text)
            frequency[form] = frequency.get(form, 0.0) + count
            other = best.get(form)
            if other is None or (-count, text) < (-other[0], other[1]):
                best[form] = count, text
        forms = tuple(sorted(frequency))
        return cls(
            forms, tuple(best[form][1] for form in forms), np.array([frequency[f] for f in forms], float)
        )


@dataclass(frozen=True, slots=True)
class SampledQueries:
    """The queries that were drawn, and the record of the draw.

    Attributes
    ----------
    rows
        One for each query, with the keys `COLUMNS`.
    record
        Everything that is needed to repeat the draw, as JSON values.
    """

    rows: tuple[dict[str, Any], ...]
    record: Mapping[str, Any]


def sample_queries(path: Path, into: Path, settings: DrawSettings) -> SampledQueries:
    """Draw queries from a log and write them, with a record of the draw in a file whose name ends in ``.draw.json``.

    The same log, settings and seed give the same file, in whatever order the rows of the log are.

    Raises
    ------
    InputError
        If the log cannot be read, has fewer different queries, a file exists, or texts could not be read back from a
        CSV file as they are.
    StorageError
        If a file cannot be written.
    """
    record_file = _new_files(into)
    log = read_query_log(path, settings.query, settings.count)
    population = LoggedQueries.of_log(log)
    if settings.queries > len(population.forms):
        raise InputError(
            f"{path} has {len(population.forms)} different queries, but {settings.queries} are asked for",
            f"ask for all of them with -n {len(population.forms)}, or for fewer",
        )
    probabilities, strata = design_of(population.frequency, settings)
    drawn = draw(probabilities, strata, settings)
    rows = tuple(
        {
            "query_id": _query_id(population.forms[row]),
            "text": population.texts[row],
            "frequency": _whole(float(population.frequency[row])),
            "inclusion_probability": float(probabilities[row]),
            "stratum": strata[row],
        }
        for row in drawn.tolist()
    )
    content = _content(rows, into)
    record = {
        "schema_version": 1,
        "log": {
            "file": path.name,
            "sha256": content_hash(path),
            "rows": log.rows,
            "blank_rows": log.blank,
            "rows_with_count_0": log.zero,
            "query_column": log.query_column,
            "count_column": log.count_column,
        },
        "normal_form": NORMAL_FORM,
        "population": {
            "distinct_queries": len(population.forms),
            "traffic": _whole(float(population.frequency.sum())),
        },
        "design": settings.design,
        "queries": settings.queries,
        "seed": settings.seed,
        "strata": _strata_facts(population.frequency, strata, drawn),
        "sample": {"file": into.name, "sha256": hashlib.sha256(content).hexdigest()},
    }
    _write(into, content)
    _write(record_file, to_json(record))
    return SampledQueries(rows, record)


def _new_files(into: Path) -> Path:
    """Return the file of the record; see `sample_queries` for errors."""
    record_file = into.with_name(f"{into.name}.draw.json")
    if into.suffix.lower() not in {".csv", ".jsonl"}:
        raise InputError(f"{into} has an unknown format", "use a name that ends in .csv or .jsonl")
    for file in (into, record_file):
        if file.exists():
            raise InputError(f"{file} exists", "choose a new file: judgments may belong to its queries")
    return record_file


def _query_id(form: str) -> str:
    """Return an id that is the same in every draw from every log."""
    return f"q{hashlib.sha256(form.encode('utf-8', 'surrogatepass')).hexdigest()[:_ID_DIGITS]}"


def _whole(number: float) -> int | float:
    return int(number) if number.is_integer() else number


def design_of(
    frequency: NDArray[np.float64], settings: DrawSettings
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Return the inclusion probability and the stratum of each query."""
    size, n = len(frequency), settings.queries
    strata = np.full(size, "all", dtype=object)
    if settings.design == "distinct":
        return np.full(size, n / size), strata
    probabilities = proportional_probabilities(frequency, n)
    certain = probabilities >= 1
    strata[certain], strata[~certain] = CERTAIN, "drawn"
    if settings.design == "frequency" or certain.all():
        return probabilities, strata
    others = np.flatnonzero(~certain)
    places = thirds_of_traffic(frequency[others])
    sizes = np.bincount(places, minlength=len(STRATA))
    allocated = equal_allocation(sizes, n - int(certain.sum()))
    probabilities[others] = (allocated / np.maximum(sizes, 1))[places]
    strata[others] = np.array(STRATA, dtype=object)[places]
    return probabilities, strata


def thirds_of_traffic(frequency: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the ``(N,)`` third of the traffic that each query is in: 0 for the most frequent ones.

    Queries of the same frequency are in the same third: the one with the middle of their traffic.
    """
    values, places, counts = np.unique(-frequency, return_inverse=True, return_counts=True)
    traffic = -values * counts
    middles = np.cumsum(traffic) - traffic / 2
    thirds: NDArray[np.int64] = np.minimum((3 * middles / traffic.sum()).astype(np.int64), 2)
    return thirds[places]


def draw(
    probabilities: NDArray[np.float64], strata: NDArray[np.object_], settings: DrawSettings
) -> NDArray[np.int64]:
    """Return the rows of the queries that are drawn, ascending."""
    rng = np.random.default_rng(settings.seed)
    if settings.design == "frequency":
        return systematic_draw(probabilities, rng)
    drawn = []
    for stratum in dict.fromkeys((CERTAIN, *STRATA, "all")):
        rows = np.flatnonzero(strata == stratum)
        count = round(float(probabilities[rows].sum()))
        drawn.append(np.sort(rng.choice(rows, count, replace=False)) if count else rows[:0])
    return np.sort(np.concatenate(drawn))


def _strata_facts(
    frequency: NDArray[np.float64], strata: NDArray[np.object_], drawn: NDArray[np.int64]
) -> list[dict[str, Any]]:
    """Return the size, the traffic and the drawn queries of each stratum, the most frequent queries first."""
    facts = []
    for stratum in (CERTAIN, "drawn", *STRATA, "all"):
        rows = np.flatnonzero(strata == stratum)
        if len(rows):
            facts.append(
                {
                    "stratum": stratum,
                    "queries": len(rows),
                    "traffic": _whole(float(frequency[rows].sum())),
                    "lowest_frequency": _whole(float(frequency[rows].min())),
                    "highest_frequency": _whole(float(frequency[rows].max())),
                    "drawn": int(np.isin(drawn, rows).sum()),
                }
            )
    return facts


def _content(rows: tuple[dict[str, Any], ...], into: Path) -> bytes:
    if into.suffix.lower() == ".csv":
        formulas = [row["text"] for row in rows if could_run(row["text"])]
        if formulas:
            raise InputError(
                f"{into}: {len(formulas)} drawn texts begin like a formula of a spreadsheet, such as {formulas[0]!r}:"
                " a CSV file would have them changed",
                f"write {into.with_suffix('.jsonl')}, which keeps every text",
            )
        return csv_text(COLUMNS, rows).encode("utf-8", "replace")
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _write(file: Path, content: bytes) -> None:
    try:
        write_file(file, content)
    except OSError as error:
        raise StorageError(f"cannot write {file.resolve()}: {error}", "choose a writable folder") from None
