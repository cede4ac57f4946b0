"""Pictures of the page for the documentation, from a real run: docs/html-*.webp.

The shop of examples/ leaks its sessions under real requests, mem_top looks into it from outside and writes the pages,
and Chromium takes a picture of each section. Needs chromium, chromedriver, Selenium and an installed mem_top; takes a
minute.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples"))

import demo  # noqa: E402

WARM_UP = 20.0
"""Seconds until the shop's cache is full."""
LARGEST = 150_000
"""Bytes of a picture."""
PICTURES = [
    ("verdict", "leaks", "#verdict", "light"),
    ("suspect", "leaks", "#suspects", "light"),
    ("suspect-dark", "leaks", "#suspects", "dark"),
    ("tree", "leaks", "#tree", "light"),
    ("tree-dark", "leaks", "#tree", "dark"),
    ("types", "leaks", "#types", "light"),
    ("memory", "leaks", "#memory", "light"),
    ("kinds", "leaks", "#kinds", "dark"),
    ("capture", "leaks", "#capture", "light"),
    ("accumulates", "report", "#suspects", "light"),
    ("objects", "report", "#objects", "light"),
    ("changes", "diff", "#changes", "light"),
]
"""The name of a picture, the command that wrote the page, the section, the theme."""


def command(*words: str | Path) -> None:
    """Runs the command; it may find a leak."""
    done = subprocess.run([sys.executable, "-m", "mem_top", *map(str, words)], stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"mem_top {words[0]} failed")


def write_pages(folder: Path) -> None:
    """Looks into a shop from outside, and writes a page of each command."""
    with demo.running_shop([]) as shop:
        traffic = demo.Traffic(shop.port)
        traffic.start()
        try:
            time.sleep(WARM_UP)
            pid = str(shop.process.pid)
            page = folder / "leaks.html"
            command("leaks", pid, "--count", "6", "--interval", "5s", "--save", folder, "--html", page)
        finally:
            traffic.stop()
    saved = sorted(folder.glob("*.parquet"))
    command("report", saved[-1], "--html", folder / "report.html")
    command("diff", saved[0], saved[-1], "--html", folder / "diff.html")


def main() -> None:
    """Takes all pictures."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--window-size=1080,1000"):
        options.add_argument(argument)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pages(folder)
        # Selenium looks for drivers in the network unless it is told which.
        service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
        driver = webdriver.Chrome(options=options, service=service)
        try:
            for picture, page, section, theme in PICTURES:
                feature = {"name": "prefers-color-scheme", "value": theme}
                driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
                driver.get((folder / f"{page}.html").as_uri())
                if section == "#tree":
                    driver.find_element(By.CSS_SELECTOR, ".boxes .own").click()
                box = driver.find_element(By.CSS_SELECTOR, section).rect
                clip = {"x": 0, "y": box["y"] - 12, "width": 1080, "height": min(box["height"], 1100) + 24, "scale": 1}
                taken = driver.execute_cdp_cmd(
                    "Page.captureScreenshot",
                    {"format": "webp", "quality": 82, "clip": clip, "captureBeyondViewport": True},
                )
                image = base64.b64decode(taken["data"])
                if len(image) > LARGEST:
                    raise SystemExit(f"{picture}: {len(image)} bytes are too many")
                (ROOT / "docs" / f"html-{picture}.webp").write_bytes(image)
        finally:
            driver.quit()


if __name__ == "__main__":
    main()
