"""The report's page in a browser: it is used as a reader uses it, with data that tries to break out."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.browser import CHROMIUM, visit, visit_at_widths
from support.command import evalkit, only_folder
from support.hostile import PLAIN_QUERIES, TEXTS, write_good_run, write_hostile_folder

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH: apt-get install chromium"),
    pytest.mark.long,
]

CONFIG = """\
name: hostile
datasets: [{{source: beir_folder, path: {folder}}}]
retriever: {{depth: 11}}
rerankers:
  unchanged: {{backend: identity}}
  good: {{backend: replay, path: {run}}}
metrics: [nDCG@10]
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report on the hostile collection."""
    base = tmp_path_factory.mktemp("page")
    folder = write_hostile_folder(base / "hostile")
    run = write_good_run(folder, base / "good.trec")
    config = base / "c.yaml"
    config.write_text(CONFIG.format(folder=folder, run=run), encoding="utf-8")
    done = evalkit("run", config, "--into", base / "results")
    assert done.returncode == 0, done.stderr
    return only_folder(base / "results") / "report.html"


def test_a_reader_sorts_filters_and_opens_queries(page: Path, tmp_path: Path) -> None:
    """Sorting, filtering, searching and paging show what they should; an opened query shows both lists with texts."""
    seen = visit(
        page,
        """
        const first = () => one("#rows td:last-child").textContent;
        const facts = { verdict: one("h1").textContent, count: one("#count").textContent, sides: {} };
        facts.lowest = first();
        one("#columns th:last-child button").click();
        facts.highest = first();
        facts.sorted = one("#columns th:last-child").getAttribute("aria-sort");
        choose("#filter", "worse");
        facts.worse = all("#rows tr").map((row) => row.lastChild.textContent);
        choose("#filter", "all");
        const shown = all("#rows tr").length;
        one("#next").click();
        facts.paged = one("#page").textContent;
        type("#search", "plain7");
        facts.found = all("#rows .id").map((node) => node.textContent);
        type("#search", "Q0</TD>");
        one("#rows .open").click();
        facts.open = one("#rows .open").getAttribute("aria-expanded");
        for (const side of all(".sides > div"))
          facts.sides[side.querySelector("h3").textContent] = side.querySelectorAll("ol:first-of-type li").length;
        facts.grades = all(".grade.relevant").map((node) => node.textContent);
        one("#rows .open").click();
        facts.closed = all(".sides").length;
        return facts;
        """,
        tmp_path,
    )
    facts = seen.facts
    queries = len(TEXTS) + PLAIN_QUERIES
    assert facts["verdict"] == "good ranks better than bm25"
    assert facts["count"] == f"{queries} of {queries} queries; nDCG@10 at depth 11"
    assert float(facts["lowest"]) < 0 < float(facts["highest"])
    assert facts["sorted"] == "descending"
    assert facts["worse"]
    assert all(float(value) < 0 for value in facts["worse"])
    assert facts["paged"] == "26 to 50"
    assert facts["found"] == ["plain7"]
    assert facts["open"] == "true"
    assert facts["sides"] == {"bm25": 10, "good": 10}
    assert facts["grades"] == ["grade 1", "grade 1"]
    assert facts["closed"] == 0
    assert seen.console == []


def test_hostile_data_is_only_shown(page: Path, tmp_path: Path) -> None:
    """Every hostile query is opened: its text stands there letter by letter, nothing of it runs, nothing is fetched."""
    seen = visit(
        page,
        """
        choose("#filter", "listed");
        const facts = { texts: [], pages: 0 };
        do {
          all("#rows .open").forEach((button) => button.click());
          facts.texts.push(...all(".sides p").map((node) => node.textContent));
          facts.texts.push(...all("#rows .open").map((node) => node.textContent));
          facts.pages += 1;
          if (one("#next").disabled) break;
          one("#next").click();
        } while (true);
        facts.texts = [...new Set(facts.texts)];
        facts.inner = all("#explorer img, #explorer script, #explorer svg").length;
        return facts;
        """,
        tmp_path,
    )
    shown = seen.facts["texts"]
    for text in TEXTS[:-1]:
        assert (
            sum(text.replace("\x00", "") in one.replace("\x00", "").replace("\ufffd", "") for one in shown)
            >= 1
        )
    assert max(map(len, shown)) <= 400
    assert (seen.facts["struck"], seen.facts["requests"], seen.facts["inner"]) == (None, [], 0)
    assert seen.console == []


def test_a_reader_calls_up_values_of_a_chart(page: Path, tmp_path: Path) -> None:
    """By pointer and by arrow keys a chart shows the values at a place, Escape hides them, and names stay text."""
    seen = visit(
        page,
        """
        const svg = one(".chart svg");
        const tip = one(".chart .tip");
        const lines = () => [...tip.children].map((row) => row.textContent);
        const press = (key) => svg.dispatchEvent(new KeyboardEvent("keydown", { key }));
        const facts = { charts: all(".chart").length, tips: all(".chart .tip").length, hidden: [tip.hidden] };
        press("ArrowRight");
        facts.first = lines();
        press("End");
        facts.last = lines();
        press("Escape");
        facts.hidden.push(tip.hidden);
        const box = svg.getBoundingClientRect();
        const at = { clientX: box.left + 1, clientY: box.top + box.height / 2, pointerType: "mouse" };
        svg.dispatchEvent(new PointerEvent("pointermove", at));
        facts.pointed = lines();
        facts.rings = all(".chart .ring").length;
        svg.dispatchEvent(new PointerEvent("pointerleave", at));
        facts.hidden.push(tip.hidden);
        facts.left = all(".chart .ring").length;
        return facts;
        """,
        tmp_path,
    )
    facts = seen.facts
    assert facts["charts"] == facts["tips"] > 0
    assert facts["hidden"] == [True, True, True]
    assert facts["pointed"] == facts["first"] != facts["last"]
    assert facts["rings"] >= 1
    assert facts["left"] == 0
    assert seen.console == []


def test_a_report_without_texts_says_so(page: Path, tmp_path: Path) -> None:
    """A result whose texts were taken out, or of an earlier evalkit, shows documents by their ids and tells why."""
    texts = page.parent / "texts.parquet"
    kept = texts.read_bytes()
    try:
        texts.unlink()
        done = evalkit("report", page.parent)
        assert done.returncode == 0, done.stderr
        seen = visit(
            page,
            """
            one("#rows .open").click();
            return { note: one("#queries ~ .note").textContent, texts: all(".sides p.cut").length,
                     documents: all(".sides li").length };
            """,
            tmp_path,
        )
    finally:
        texts.write_bytes(kept)
    assert "this result has no texts (texts.parquet), so documents are shown by id" in seen.facts["note"]
    assert (seen.facts["texts"], seen.facts["documents"] >= 20) == (0, True)


def test_nothing_is_cut_off_at_any_width(page: Path, tmp_path: Path) -> None:
    """With all details open, no element is wider than the page, and nothing needs scrolling to the side."""
    widths = [360, 768, 1200, 1440]
    seen = visit_at_widths(
        page,
        """
        all("details").forEach((node) => { node.open = true; });
        const room = document.documentElement.clientWidth;
        const wide = all("main *").filter((node) => node.getClientRects().length && !node.closest("svg")
          && node.getBoundingClientRect().right > room + 1);
        return { room, wide: wide.map((node) => node.outerHTML.slice(0, 200)) };
        """,
        tmp_path,
        widths,
    )
    assert sorted(seen) == widths
    for width, visited in seen.items():
        assert abs(visited.facts["room"] - width) <= 20
        assert visited.facts["wide"] == []
