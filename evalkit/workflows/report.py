"""``evalkit report``: all derived files of a result folder, from its raw files only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalkit.errors import IncompleteError
from evalkit.progress import progress_bar
from evalkit.report.sections import Findings
from evalkit.results import ResultFolder
from evalkit.results.derivation_keys import DerivationKeys, derivation_keys, without_times
from evalkit.results.derived_record import derived_hashes, read_record
from evalkit.results.failure_reasons import FailureReason, failure_reasons, hints_of, in_words, of_system
from evalkit.results.manifest import Manifest

_PARTIAL = "see failures.jsonl, or report the partial results with --allow-incomplete"


def rebuild(folder: ResultFolder, *, allow_incomplete: bool = False) -> Findings:
    """Write runs, values, summary, comparisons, plots and pages from the raw files of a folder.

    No reranker is called and no dataset is loaded. The same raw files give the same bytes. What was derived from the
    same raw files by the same code, in this folder or in another one of the same parent, is not derived again.

    Returns
    -------
    Findings
        The documents of the folder.

    Raises
    ------
    IncompleteError
        If the result is not complete, unless `allow_incomplete`.
    StorageError
        If the folder cannot be written.
    """
    manifest = _manifest(folder, allow_incomplete=allow_incomplete)
    keys = derivation_keys(folder, manifest)
    record = read_record(folder)
    if (
        keys is not None
        and record is not None
        and record.keys == keys
        and record.files == derived_hashes(folder)
    ):
        return Findings.read(folder)
    return _make(folder, manifest, keys)


def _make(folder: ResultFolder, manifest: Manifest, keys: DerivationKeys | None) -> Findings:
    """Make the derived files; the HTML page is the last of them: a folder with the page is complete."""
    from evalkit.report.pages import write_pages, write_table_files
    from evalkit.report.report_charts import report_charts
    from evalkit.report.sections import report_sections
    from evalkit.workflows.derivation import derive, write_derived, write_plots
    from evalkit.workflows.earlier_files import record_derived, take_over
    from evalkit.workflows.earlier_parts import EarlierPictures, find_quality

    timeless = without_times(manifest)  # runs that measured the same share all files but the pages
    with folder.writing():
        parts = take_over(folder, keys)
    # Only large collections take long, so the progress bar appears after some seconds.
    with progress_bar(total=4, desc="report", unit="step", delay=3) as progress:
        if parts is None:
            earlier = find_quality(folder, keys)
            derived = derive(folder, timeless, progress, earlier)
            with folder.writing():
                folder.drop_report()
                parts = write_derived(folder, derived, earlier)
        # Pages and charts are made of the documents as they are read: copied ones give the same bytes.
        found = Findings.read(folder)
        with folder.writing():
            charts = report_charts(found, parts.timed)
            sections = report_sections(
                replace(found, manifest=timeless), charts, explorer=parts.explored is not None
            )
            if not parts.files:
                pictures = EarlierPictures.of(folder, keys)
                write_plots(folder, charts, pictures)
                parts = replace(parts, pictures=pictures.keys)
                write_table_files(folder, sections)
            write_pages(folder, found, sections, parts.explored)
            if keys is not None and derivation_keys(folder, manifest) == keys:
                record_derived(folder, keys, parts)
        progress.update()
    return found


def _manifest(folder: ResultFolder, *, allow_incomplete: bool) -> Manifest:
    manifest = folder.read_manifest()
    if manifest.status != "complete" and not allow_incomplete:
        reasons = failure_reasons(manifest, folder.read_failures())
        raise IncompleteError(
            f"{folder.path} is {manifest.status}: {_why(manifest, reasons)}",
            "; ".join([*hints_of(reasons)[:1], _PARTIAL]),
        )
    return manifest


def _why(manifest: Manifest, reasons: Sequence[FailureReason]) -> str:
    """Return the reasons why a result is not complete."""
    failed = [
        f"{entry.reranker} has no scores of {len(entry.failed)} of {entry.asked} queries of {entry.dataset}"
        + (f" ({why})" if (why := in_words(of_system(reasons, entry.dataset, entry.reranker))) else "")
        for entry in manifest.quality_passes
        if entry.failed
    ]
    failed += [
        f"{counts.failed} calls to {tag} failed" for tag, counts in manifest.calls.items() if counts.failed
    ]
    return "; ".join(failed) or "the run did not finish"
