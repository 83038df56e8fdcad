"""The rating page in a browser, used as raters use it: by keyboard, two at once, and with a server that is killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.browser import CHROMIUM
from support.devtools import Browser, Page, browser
from support.hostile import TEXTS
from support.judged_articles import (
    ANNA,
    QUERIES,
    good_is_better,
    judged,
    pairs,
    write_folder,
    write_judgments,
)
from support.rating import judgments_of, rating, write_pairs

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH: apt-get install chromium"),
    pytest.mark.long,
]

QUERY = "How do I move a workspace to another region?"
PAIRS = [
    (f"{QUERY} {q}", f"Regions\nDocument {d}: workspaces can be moved.") for q in range(10) for d in range(6)
]

SEEN = "new Promise((done) => setTimeout(done, 130))"
"""Time after which a key grades the document that is shown."""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a browser for all tests."""
    with browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a table of pairs."""
    return write_pairs(tmp_path / "pairs.jsonl", PAIRS)


def text_of(page: Page, path: str) -> str:
    """Return the text of an element; empty if it is hidden."""
    shown = f"(() => {{ const one = document.querySelector('{path}');"
    return str(page.value(f"{shown} return one.checkVisibility() ? one.textContent : ''; }})()"))


def start(page: Page, address: str, name: str | None = None) -> None:
    """Open the page, and enter a name if it asks for one."""
    page.open(address)
    if name is not None:
        page.wait_for("document.activeElement.id === 'name'")
        page.write(name)
        page.press("Enter")
    page.wait_for("document.querySelector('#text').textContent || !document.querySelector('#done').hidden")


def answer(page: Page, key: str) -> None:
    """Press a key once the document has been seen, and wait for the next one."""
    page.wait_for("!document.querySelector('#skip').disabled")
    page.value(SEEN)
    before = page.value(
        "document.querySelector('#live').textContent + document.querySelector('#text').textContent"
    )
    page.press(key)
    page.wait_for(
        "!document.querySelector('#skip').disabled && document.querySelector('#live').textContent"
        f" + document.querySelector('#text').textContent !== {before!r}"
    )


def test_fifty_judgments_by_keyboard_with_a_killed_server(chromium: Browser, table: Path) -> None:
    """The server is killed twice: the page says so, keeps the last click, and each of 50 grades is saved once."""
    page = chromium.page(own_storage=True)
    given: list[int] = []
    port = "0"
    for stop in (17, 34, 50):
        with rating(table, "--rater", "anna", port=port) as server:
            port = server.port
            if not given:
                start(page, server.address)
            else:
                page.wait_for("!document.querySelector('#alert').textContent")
                page.wait_for("!document.querySelector('#skip').disabled")
            while len(given) < stop:
                answer(page, str(len(given) % 4))
                given.append(len(given) % 4)
            server.kill()
        if stop < 50:
            page.value(SEEN)
            page.press(str(len(given) % 4))
            given.append(len(given) % 4)
            page.wait_for("document.querySelector('#alert').textContent.includes('does not answer')")
            assert "evalkit judge rate" in text_of(page, "#alert")
            assert text_of(page, "#saved") == "Not saved"
    judgments = judgments_of(table)
    assert [one.grade for one in judgments] == given
    assert len({one.pair for one in judgments}) == len(judgments) == 50


def test_a_closed_browser_loses_no_click(chromium: Browser, table: Path) -> None:
    """A click that was not saved when the page was closed is sent when it is opened again."""
    page = chromium.page(own_storage=True)
    with rating(table, "--rater", "anna") as server:
        start(page, server.address)
        server.kill()
        page.value(SEEN)
        page.press("2")
        page.wait_for("document.querySelector('#alert').textContent.includes('does not answer')")
    page.open("about:blank")
    with rating(table, "--rater", "anna", port=server.port) as again:
        start(page, again.address)
        page.wait_for("document.querySelector('#saved').textContent.startsWith('Saved 1')")
    assert [one.grade for one in judgments_of(table)] == [2]


def test_keys_skip_postpone_undo_and_note(chromium: Browser, tmp_path: Path) -> None:
    """Every key does what the help says; keys with a modifier, in a field or held down do nothing."""
    table = write_pairs(tmp_path / "few.jsonl", PAIRS[:4])
    page = chromium.page(own_storage=True)
    with rating(table) as server:
        start(page, server.address, "Anna")
        first = text_of(page, "#text")
        answer(page, "j")
        assert text_of(page, "#text") != first
        page.press("n")
        page.write("3 is in my note")
        page.press("Enter")
        answer(page, "2")
        answer(page, "u")
        answer(page, "1")
        page.do("Input.dispatchKeyEvent", type="keyDown", key="3", text="3", autoRepeat=True)
        page.do("Input.dispatchKeyEvent", type="keyDown", key="3", modifiers=2)
        answer(page, " ")
        page.press("?")
        page.wait_for("document.querySelector('#help').open")
        page.press("3")
        page.press("Escape")
        answer(page, "3")
        assert text_of(page, "#text") == first
        page.value("document.querySelector('#scale button').click()")
        page.wait_for("!document.querySelector('#done').hidden")
        assert "All done" in text_of(page, "#done-title")
        page.value("document.querySelector('#again').click()")
        page.wait_for("!document.querySelector('#rating').hidden")
        assert page.console == []
    lines = judgments_of(table)
    assert [one.grade for one in lines] == [2, None, 1, None, 3, 0, None]
    assert [(one.failure or "").partition(":")[0] for one in lines if one.failure] == [
        "withdrawn",
        "skipped",
        "withdrawn",
    ]
    assert [one.note for one in lines if one.note] == ["3 is in my note"]


def test_two_raters_at_once(chromium: Browser, tmp_path: Path) -> None:
    """Two browsers never show the same pair; a pair is graded once, and the second rater sees no sign of a grade."""
    table = write_pairs(
        tmp_path / "two.jsonl", [(f"query {q}", f"text {q} {d}") for q in range(2) for d in range(4)]
    )
    pages = [chromium.page(own_storage=True) for _ in range(2)]
    with rating(table) as server:
        for page, name in zip(pages, ("Anna", "Ben"), strict=True):
            start(page, server.address, name)
        while any(not page.value("document.querySelector('#panel').hidden") for page in pages):
            shown = [text_of(page, "#text") for page in pages if text_of(page, "#text")]
            assert len(shown) == len(set(shown))
            for page in pages:
                if not page.value("document.querySelector('#panel').hidden"):
                    answer(page, "1")
    judgments = judgments_of(table)
    assert len(judgments) == len({one.pair for one in judgments}) == 8
    assert {one.rater.name for one in judgments} == {"Anna", "Ben"}


def test_hostile_texts_stay_texts(chromium: Browser, tmp_path: Path) -> None:
    """Queries and documents are shown letter by letter, nothing of them runs, and nothing is fetched."""
    table = write_pairs(
        tmp_path / "hostile.jsonl", [(f"{text[:3000]} words", f"{text} words") for text in TEXTS]
    )
    page = chromium.page(own_storage=True)
    page.resize(390, 844)
    seen: list[str] = []
    with rating(table, "--rater", "<img src=x onerror='window.struck=1'>") as server:
        start(page, server.address)
        while not page.value("document.querySelector('#rating').hidden"):
            seen.append(text_of(page, "#text"))
            assert page.value("document.documentElement.scrollWidth <= innerWidth")
            assert page.value(
                "document.querySelector('#main').scrollWidth <= document.querySelector('#main').clientWidth"
            )
            answer(page, "0")
        fetched = page.value("performance.getEntriesByType('resource').map((one) => one.name)")
        assert set(fetched) <= {f"{server.address}click", "data:,"}
        assert page.value("window.struck ?? null") is None
        assert page.value("document.querySelectorAll('main img, main script, main svg').length") == 0
    assert sorted(seen) == sorted(f"{text} words" for text in TEXTS)
    assert page.console == []


@pytest.mark.parametrize("width", [390, 768, 1200])
def test_nothing_is_cut_off_and_buttons_are_large(chromium: Browser, table: Path, width: int) -> None:
    """Nothing needs scrolling to the side, and every visible button is at least 44 pixels wide and high."""
    page = chromium.page(own_storage=True)
    page.resize(width, 844, reduced=True)
    with rating(table) as server:
        start(page, server.address, "Anna")
        for key in ("n", "Escape", "?"):
            page.press(key)
            assert page.value("document.documentElement.scrollWidth") == width
            small = page.value(
                "[...document.querySelectorAll('button')].filter((one) => one.checkVisibility())"
                ".map((one) => [one.id, one.getBoundingClientRect()])"
                ".filter(([, box]) => box.height < 44 || box.width < 44)"
            )
            assert small == []
        words = page.value(
            "[...document.querySelectorAll('#scale button')].map((one) => one.checkVisibility() && one.innerText)"
        )
        assert len(words) == 4
        assert all(words)
        assert page.value("getComputedStyle(document.querySelector('#document')).animationName") == "none"


def test_the_active_order_says_when_to_stop(chromium: Browser, tmp_path: Path) -> None:
    """Without naming a system: after the sample, the page says how far it is settled, also on a phone."""
    config = write_folder(tmp_path)
    text = config.read_text(encoding="utf-8").replace(
        "    judgments:", "    human_sample: {queries: 1}\n    judgments:"
    )
    config.write_text(
        text.replace("      - {judge: luna}\n", "      - {path: others.jsonl}\n"), encoding="utf-8"
    )
    (tmp_path / "grades.qrels").write_text("s0 0 d0 1\n", encoding="utf-8")
    flags = ("--rater", "ben", "--order", "active", "--baseline", "bad", "--contender", "good")
    page = chromium.page(own_storage=True)
    page.resize(390, 844, reduced=True)
    shown = []
    for judged_queries in (4, 40):
        lines = judged(ANNA, pairs(QUERIES[:judged_queries]), good_is_better if judged_queries > 4 else zero)
        write_judgments(tmp_path / "others.jsonl", lines)
        with rating(config, *flags, cwd=tmp_path) as server:
            start(page, server.address)
            while not text_of(page, "#settling"):
                answer(page, "0")
            shown.append(text_of(page, "#settling"))
            assert page.value("document.documentElement.scrollWidth <= innerWidth")
            assert not {"good", "bad"} & set(str(page.value("document.body.innerText")).lower().split())
            if script := os.environ.get("EVALKIT_AXE"):
                page.value(Path(script).read_text(encoding="utf-8") + ";0")
                assert violations(page) == []
            printed = server.stop()
    assert shown[0].startswith("Not settled: ")
    assert shown[1].startswith("Settled with probability 1.00: you can stop.")
    assert "articles: it is settled with a probability of 1.00" in printed
    assert page.console == []


def zero(_query: str, _doc: str) -> float:
    """Return the grade of every pair."""
    return 0.0


def test_no_rule_of_axe_is_broken(chromium: Browser, tmp_path: Path) -> None:
    """axe-core finds no problem on any screen, in light or dark colours; EVALKIT_AXE names its axe.min.js."""
    script = os.environ.get("EVALKIT_AXE")
    if not script:
        pytest.skip("EVALKIT_AXE is unset: no axe-core (npm install axe-core)")
    table = write_pairs(
        tmp_path / "few.jsonl", [(QUERY, "Regions\n" + "moving a workspace " * 600), (QUERY, "short")]
    )
    page = chromium.page(own_storage=True)
    found = []
    with rating(table) as server:
        for width, dark in ((1200, False), (390, True)):
            page.resize(width, 844, dark=dark, reduced=True)
            page.value("try { sessionStorage.clear() } catch {}")
            page.open(server.address)
            page.value(Path(script).read_text(encoding="utf-8") + ";0")
            found += violations(page)
            page.value("document.querySelector('#name').value = ''")
            page.write(f"Anna {width}")
            page.press("Enter")
            page.wait_for("document.querySelector('#text').textContent")
            for key in ("", "n", "Escape", "?", "Escape"):
                if key:
                    page.press(key)
                found += violations(page)
            if width == 1200:
                answer(page, "1")
                answer(page, "u")
            else:
                answer(page, "1")
                page.value(SEEN)
                page.press("2")
                page.wait_for("!document.querySelector('#done').hidden")
                found += violations(page)
    assert found == []


def violations(page: Page) -> list[str]:
    """Return the rules that the page breaks now, with the elements."""
    return list(
        page.value(
            "axe.run().then((seen) => seen.violations.flatMap((rule) =>"
            " rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 200)}`)))"
        )
    )
