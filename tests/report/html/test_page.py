"""The page: nothing in a name can run, it asks for nothing, and a browser draws it as its reader chooses."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast import read_region, read_scenario, run_forecast
from forecast.basics.text import chance
from forecast.demand import read_models
from forecast.report import render_html
from forecast.report.view import View
from tests.report.made import (
    EVIL,
    LONG,
    NOW,
    YEARS,
    made_run,
    many_page,
    many_run,
    plain_page,
    with_kind,
    with_schools,
    with_trajectories,
)


def test_names_with_markup_stay_text() -> None:
    page = render_html(made_run(names=[(EVIL, EVIL), ("乙" * 60, LONG)]))
    body = page.replace(View(made_run()).names.whole.zh, "")
    assert "<img src=x" not in body
    assert "\u2028" not in re.search(r'id="pack">(.*?)</script>', body, re.S)[1]  # type: ignore[index]
    pack = json.loads(re.search(r'id="pack">(.*?)</script>', page, re.S)[1])  # type: ignore[index]
    assert pack["names"]["000001"] == [EVIL, EVIL]


def test_page_is_closed_to_the_network_and_small() -> None:
    page = plain_page()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert policy[1].startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert "unsafe" not in policy[1]
    assert not re.search(r'(?:src|href)="(?!#)', page.split('<script type="module">')[0])
    assert len(page.encode()) < 2.5e6
    assert page == render_html(with_schools(made_run()))


def test_page_opens_in_the_language_asked_for() -> None:
    assert '<html lang="en">' in render_html(made_run(), "en")
    assert "<title>示例市公共服务供需展望</title>" in plain_page()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: the page is not looked at")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync"]
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=quiet)
        yield opened
        opened.close()


@dataclass
class Seen:
    """A page with what it asked for and what it complained of."""

    page: Any
    requests: list[str]
    complaints: list[str]


@pytest.fixture
def look(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """look(width) opens the made-up run's report, or another page, and waits until every chart is drawn."""
    opened = []

    def open_report(width: int = 1280, html: str | None = None) -> Seen:
        file = tmp_path / "report.html"
        file.write_text(html or plain_page(), "utf-8")
        page = browser.new_page(viewport={"width": width, "height": 900})
        seen = Seen(page, [], [])
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on(
            "console", lambda line: seen.complaints.append(line.text) if line.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-drawn=all]", state="attached", timeout=60_000)
        opened.append(page)
        return seen

    yield open_report
    for page in opened:
        page.close()


def unfold(page: Any, part: str) -> None:
    """Opens a part that waits until it is asked for."""
    page.click(f"#{part} > summary")


def drawn(page: Any) -> int:
    """Charts of the page, all of which are drawn; those of the county sheets wait until a sheet is opened."""
    charts = page.locator("[data-chart]:not(.sheet *)")
    assert page.locator("[data-chart] svg").count() == charts.count()
    return int(charts.count())


PLAIN = 14 + 3 + 7 + 4 + 3
"""Charts of the page of one path: the chapter of waves has three, and one for each of seven services; that of schools
one for each of four stages, and posts, changes and planned places."""


def test_page_draws_in_both_languages_without_a_request(look: Any) -> None:
    seen = look()
    page = seen.page
    assert drawn(page) == PLAIN
    assert page.locator("h1 .zh").first.is_visible()
    page.click("button[data-value=en]")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.title() == "Places and beds in Sample"
    assert not page.locator("h1 .zh").first.is_visible()
    page.wait_for_selector("#heat svg >> text=Alpha")
    assert len(seen.requests) == 1
    assert seen.complaints == []
    assert page.evaluate("report.errors") == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_waves_of_the_whole_fit_one_screen_and_every_county_has_its_page(look: Any, lang: str) -> None:
    page, flags = look(html=many_page()).page, many_run()[0].flags
    page.set_viewport_size({"width": 1280, "height": 900})
    page.click(f"button[data-value={lang}]")
    heights = page.evaluate("[...document.querySelector('#waves').children].slice(0, 2).map(x => x.offsetHeight)")
    assert sum(heights) < 900 - 60
    long = "2026: 18,000 places short, 2041: 130,000 places to spare"  # a crest, and the surplus after it
    page.evaluate("words => document.querySelector('.board td:nth-child(5)').textContent = words", long)
    widths = page.evaluate("['.board', '.boardcard'].map(x => document.querySelector(x).offsetWidth)")
    assert widths[0] <= widths[1] - 2 * 18  # nothing is cut off at the right
    board = page.locator("#waves .boardcard").inner_text()
    assert all(flags.sentences["000000", service][lang] in board for service in read_models())
    unfold(page, "county")
    for county in ("000001", "000003", "000000"):
        page.locator("#county select").select_option(county)
        for service in read_models():
            assert page.locator(f"#county [data-said={service}]").inner_text() == flags.sentences[county, service][lang]
    assert page.evaluate("report.errors") == []


def test_page_of_many_trajectories_draws_fans_odds_and_causes(look: Any) -> None:
    seen = look(html=many_page())
    page = seen.page
    view = View(many_run()[0])
    assert drawn(page) == PLAIN + 1 + 7 + 10
    shades = "document.querySelectorAll('#curve svg .mark-area path').length"
    assert page.evaluate(shades) == 2
    unfold(page, "odds")
    page.click("#odds button[data-value=senior_school]")
    cells = page.locator("#odds svg .mark-rect path").count()
    assert cells == len(view.places) * sum(year >= NOW for year in view.years)
    shown = page.locator("#odds svg .mark-text.role-mark text").all_text_contents()
    shares = view.odds.by_year("p_short", "senior_school")[:, np.array(view.years) >= NOW].ravel()
    assert sorted(shown) == sorted(chance(share, view.trajectories, brief=True).en.rstrip("%") for share in shares)
    assert len(set(shown)) > 3
    page.hover("#odds svg .mark-rect path >> nth=0")  # under its number
    page.wait_for_selector("#vg-tooltip-element.visible >> text=短缺概率")
    page.click("button[data-value=en]")
    page.wait_for_selector("#odds svg >> text=Alpha")
    assert page.locator("#causes svg >> text=50%").count() >= 7
    assert len(seen.requests) == 1
    assert seen.complaints == []
    assert page.evaluate("report.errors") == []
    assert len(many_page().encode()) < 2.5e6


def test_choices_change_map_curves_and_badges(look: Any) -> None:
    seen = look()
    page = seen.page
    page.click("#map button[data-value=kindergarten]")
    dashes = "[...document.querySelectorAll('#curve svg path')].map(p => p.getAttribute('stroke-dasharray'))"
    assert "5,4" in page.evaluate(dashes)  # children not yet born
    points = "document.querySelectorAll('#curve svg .mark-symbol path').length"
    assert page.evaluate(points) == 5  # pupils counted, for the whole only
    page.click("#map svg .mark-rect path >> nth=1")
    assert page.locator("#curve [data-name=place]").inner_text() == "乙县"
    page.wait_for_selector("#curve svg .mark-symbol path", state="detached")
    page.click("#map button[data-value=senior_school]")
    assert page.locator("#heat [data-name=service]").inner_text() == "高中阶段学位"
    page.locator("#map input").fill("2035")
    assert page.locator("#map h3 [data-show]").inner_text() == "2035年"
    assert page.locator("#map .b-assumed").is_visible()
    assert seen.complaints == []


def test_markup_in_names_does_not_run(look: Any) -> None:
    run = made_run(names=[(EVIL, EVIL), ("乙" * 60, LONG), ("丙县", "Gamma")])
    seen = look(390, render_html(run))
    page = seen.page
    page.click("button[data-value=en]")
    page.hover("#map svg .mark-rect path >> nth=0")
    assert page.evaluate("window.bad === undefined")
    assert page.locator("img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert seen.complaints == []


def test_table_is_copied_as_a_spreadsheet_reads_it(look: Any) -> None:
    run = made_run()
    page = look().page
    unfold(page, "table_kindergarten")
    page.click("[data-copy=table_kindergarten]")
    lines = [line.split("\t") for line in page.evaluate("report.copied").split("\r\n")]
    assert {len(line) for line in lines} == {len(lines[0])}
    alpha = next(line for line in lines if line[0] == "甲县")
    assert float(alpha[1]) == pytest.approx(
        float(run.data.demand.sel(county="000001", year=NOW, service="kindergarten"))
    )
    page.click("[data-copy-all=kindergarten]")
    assert len(page.evaluate("report.copied").split("\r\n")) == 1 + 4 * len(YEARS)


def pages_of(page: Any) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True, print_background=True)))


def test_every_county_has_a_sheet_of_two_printed_pages(look: Any) -> None:
    """Opened from the name of a county in any table; what is printed is that sheet alone, and the page is as it was."""
    seen = look(html=many_page())
    page = seen.page
    unfold(page, "table_kindergarten")
    page.click("#table_kindergarten [data-sheet='000002']")
    page.wait_for_selector("#sheets [data-sheet-of='000002'] svg")
    assert page.locator("#sheets .sheet:visible").count() == 1
    page.wait_for_timeout(500)
    wide = page.evaluate("[...document.querySelectorAll('.sheet:not([hidden]) svg')].map(svg => svg.clientWidth)")
    assert len(wide) == len(read_models())
    assert min(wide) > 150
    assert "乙县" in page.locator("#sheets .sheet:visible h3").first.inner_text()
    for lang in ("zh", "en"):
        page.click(f"button[data-value={lang}]")
        for place in View(many_run()[0]).places:
            page.locator("#sheets select").select_option(place)
            page.evaluate("report.setForPrint('one')")
            assert pages_of(page) == 2, (place, lang)
    page.evaluate("report.setForPrint('all')")
    assert pages_of(page) == 2 * 4
    assert pages_of(page) > 4  # the whole report again
    assert page.locator("#sheets .sheet:visible").count() == 1
    assert seen.complaints == []


@pytest.mark.slow
def test_sheets_of_wenzhou_are_two_pages_in_both_languages(look: Any) -> None:
    run = run_forecast(read_region("wenzhou"), read_scenario("baseline"), trajectories=200)
    page = look(html=render_html(run)).page
    for lang in ("zh", "en"):
        page.click(f"button[data-value={lang}]")
        for place in View(run).places:
            page.evaluate("place => report.openSheet(place)", place)
            page.evaluate("report.setForPrint('one')")
            assert pages_of(page) == 2, (place, lang)


def test_where_no_gap_may_be_told_need_and_its_change_stand_instead(look: Any) -> None:
    """Colours, numbers, titles and legends; red and blue mean short and to spare alone."""
    run = with_kind(with_trajectories(made_run())[0], "split")
    seen = look(html=render_html(run))
    page = seen.page
    assert "增减" in page.locator("#map h3").inner_text()
    assert page.locator("#map .scale.change").is_visible()
    assert not page.locator("#map .scale:not(.change)").is_visible()
    need = View(run).curves.table("demand", "kindergarten")
    change = need[View(run).outlook_year] / need[run.flags.now] - 1
    shown = page.locator("#map svg .mark-text.role-mark text").all_text_contents()
    assert {f"{share:+.0%}".replace("-", "−") for share in change[1:]} <= set(shown)
    assert page.locator("#odds").count() == page.locator("#classes").count() == 0
    legend = page.locator("#curve .key").inner_text()
    assert "供给" not in legend
    assert "在校" in legend  # pupils are counted for the whole
    page.click("#map svg .mark-rect path >> nth=1")
    page.wait_for_function("() => !document.querySelector('#curve .key').innerText.includes('在校')")
    assert "缺" not in "".join(page.locator("#counties .state").all_text_contents())
    assert seen.complaints == []


def test_a_chart_takes_its_width_when_it_is_unfolded(look: Any) -> None:
    seen = look(html=many_page())
    page = seen.page
    for width in (1280, 700):  # folded again, the page gets another width
        page.set_viewport_size({"width": width, "height": 900})
        unfold(page, "odds")
        page.wait_for_timeout(500)
        there, drawn = page.evaluate("[document.querySelector('#odds .chart').clientWidth, report.width('odds')]")
        assert there > 300
        assert abs(there - drawn) < 100  # the names of places stand beside it
        unfold(page, "odds")
    assert seen.complaints == []


def test_page_is_short_until_its_parts_are_asked_for(look: Any) -> None:
    """The answer is read in two screens, and the whole page is half of what it was; nothing is further than one click."""
    page = look(html=many_page()).page
    for lang in ("zh", "en"):
        page.click(f"button[data-value={lang}]")
        assert page.evaluate("document.documentElement.scrollHeight") < 12_500
    assert page.locator("details details").count() == 0


def test_every_id_of_a_page_is_its_own() -> None:
    ids = re.findall(r'\bid="([^"]+)"', many_page())
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("many", [False, True])
def test_phone_is_wide_enough(look: Any, many: bool) -> None:
    page = look(390, many_page() if many else plain_page()).page
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    for lang in ("zh", "en"):
        page.click(f"button[data-value={lang}]")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("many", [False, True])
def test_page_prints_on_a4(look: Any, tmp_path: Path, many: bool) -> None:
    page = look(html=many_page() if many else plain_page()).page
    pdf = page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True, print_background=True)
    assert pdf.startswith(b"%PDF")
    assert 5 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 22
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
