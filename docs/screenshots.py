"""Take the pictures of the README: `python docs/screenshots.py PAGE.html FOLDER`. Needs an installed Chromium."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

import mtasts_nb as sts

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    """Write page.png, page-phone.png and figure.png."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("page", type=Path)
    arguments.add_argument("folder", type=Path)
    given = arguments.parse_args()
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        raise SystemExit(f"screenshots: no Chromium found; install one of {', '.join(_BROWSERS)}")
    given.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for name, width, height in (("page", 1280, 800), ("page-phone", 390, 844)):
            tab = chromium.new_page(viewport={"width": width, "height": height})
            tab.goto(given.page.resolve().as_uri())
            tab.screenshot(path=given.folder / f"{name}.png")
        chromium.close()
    archive = sts.load(sts.sample_dir(), progress=False)
    sts.plots.failures_over_time(archive).figure.savefig(given.folder / "figure.png", dpi=100)


if __name__ == "__main__":
    main()
