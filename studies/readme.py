"""Writes the real output and the pictures of both READMEs from a fresh run of the demo.

python -m studies.readme        # needs Chromium (CHROMIUM, or chromium on the path) and playwright
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from forecast import read_region, read_scenario, run_forecast
from studies import ROOT

PICTURES = ROOT / "docs" / "pictures"
PAGES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}
MARKED = re.compile(r"(<!-- demo: .*? -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = run_forecast(read_region("wenzhou"), read_scenario("baseline"), trajectories=1000, out=folder)
        for lang, page in PAGES.items():
            said = "\n".join(f"> - {sentence}" for sentence in run.headline[lang])
            before, opening, closing, after = MARKED.split(page.read_text("utf-8"))
            page.write_text(f"{before}{opening}{said}\n{closing}{after}", "utf-8")
        photograph(Path(run.folder or "") / "report.html")


def photograph(report: Path) -> None:
    """The first screen and that of the chapter on schools, in both languages."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 1180})
        page.goto(report.as_uri())
        for lang, name in {"zh": "中文", "en": "English"}.items():
            page.get_by_role("button", name=name, exact=True).click()
            page.evaluate("report.ready()")
            for chapter, picture in {"summary": "report", "education": "schools"}.items():
                page.evaluate("id => document.getElementById(id).scrollIntoView({behavior: 'instant'})", chapter)
                page.wait_for_timeout(2500)
                page.screenshot(path=PICTURES / f"{picture}-{lang}.png")
        browser.close()


if __name__ == "__main__":
    main()
