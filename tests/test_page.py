"""The page that `--html` writes, in a real browser: Chromium without a screen, driven by Selenium.

The page is opened from its file. It may ask for nothing but itself, and say nothing on the console; what it draws must
answer to the mouse and to the keyboard, in both themes; axe must find nothing serious; and names that are markup, steer
a terminal or are very long must be shown as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

selenium = pytest.importorskip("selenium", reason="the page is tested with Selenium, which is not installed")
from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.remote.webelement import WebElement  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "crates" / "report" / "src" / "html"

LEAK = """
import sys
import mem_top

HOSTILE = "</script><script>document.title='owned'</script><!--\\x1b[31m\\u202e\\u2028\\N{SKULL}"
evil = type(HOSTILE, (), {})
long = type("L" * 100_000, (), {})

class Session:
    def __init__(self, user):
        self.user = user
        self.cart = []

by_token = {}
kept = {HOSTILE: [evil() for _ in range(100)], "long": [long() for _ in range(100)]}
for nth in range(5):
    for request in range(750):
        by_token[f"token-{nth}-{request}"] = Session(request % 100)
    kept[HOSTILE] += [evil() for _ in range(200)]
    mem_top.snapshot().save(f"{sys.argv[1]}/{nth}.parquet")
"""


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five snapshots of a program that forgets no session, and has types with hostile names."""
    folder = tmp_path_factory.mktemp("snapshots")
    program = folder / "leak.py"
    program.write_text(LEAK, encoding="utf-8")
    subprocess.run([sys.executable, "-X", "utf8", str(program), str(folder)], check=True, timeout=300)
    return sorted(folder.glob("*.parquet"))


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "mem_top", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def pages(snapshots: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each command, by its name."""
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for name, arguments in {
        "leaks": snapshots,
        "report": snapshots[-1:],
        "diff": [snapshots[0], snapshots[-1]],
    }.items():
        made[name] = folder / f"{name}.html"
        done = command(name, "--html", made[name], *arguments)
        assert done.returncode in (0, 1), done.stderr
        assert f"{name}.html: " in done.stderr and "open it in a browser" in done.stderr
    return made


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    chromedriver = shutil.which("chromedriver")
    if not chromium or not chromedriver:
        pytest.skip("chromium and chromedriver are not both found: the page is tested in a real browser")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1200,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=chromedriver)
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


def look(driver: webdriver.Chrome, page: Path, scheme: str = "light") -> None:
    """Opens a page, as a system with light or dark colours does."""
    driver.get("about:blank")
    driver.get_log("browser")
    driver.get_log("performance")
    feature = {"name": "prefers-color-scheme", "value": scheme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    driver.get(page.as_uri())


def find(driver: webdriver.Chrome, selector: str) -> WebElement:
    return driver.find_element(By.CSS_SELECTOR, selector)


def every(driver: webdriver.Chrome, selector: str) -> list[WebElement]:
    return driver.find_elements(By.CSS_SELECTOR, selector)


def requests(driver: webdriver.Chrome) -> list[str]:
    """The addresses that were asked for."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]


def data(page: Path) -> dict[str, Any]:
    block = re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert block
    return dict(json.loads(block[1]))


def test_what_stands_in_the_page_has_the_digests_that_its_policy_names() -> None:
    policy = (PAGE / "page.csp").read_text(encoding="utf-8")
    for name, directive in [("page.js", "script-src"), ("page.css", "style-src")]:
        digest = base64.b64encode(hashlib.sha256((PAGE / name).read_bytes()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy, "run `make web`"
    assert policy.startswith("default-src 'none';")


def test_the_script_is_what_its_sources_give() -> None:
    if not shutil.which("node") or not (ROOT / "web" / "node_modules").is_dir():
        pytest.skip("Node and its packages are not there: `make web-check` fetches them")
    done = subprocess.run(
        ["node", "build.js", "--check"], cwd=ROOT / "web", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_file_is_for_its_owner_and_replaced_as_a_whole(snapshots: list[Path], tmp_path: Path) -> None:
    precious, page = tmp_path / "precious", tmp_path / "page.html"
    precious.write_text("precious")
    page.symlink_to(precious)
    assert command("report", "--html", page, snapshots[0]).returncode == 0
    assert not page.is_symlink() and precious.read_text() == "precious"
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    before = page.read_bytes()
    done = command("report", "--html", tmp_path / "none" / "page.html", snapshots[0])
    assert done.returncode == 2 and "there is no directory" in done.stderr and done.stdout == ""
    assert command("report", "--html", tmp_path, snapshots[0]).returncode == 2
    assert page.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["page.html", "precious"]


def test_the_page_has_the_numbers_of_json(snapshots: list[Path], pages: dict[str, Path]) -> None:
    answer = json.loads(command("leaks", "--json", *snapshots).stdout)
    told = data(pages["leaks"])["answer"]
    for key in ("verdict", "snapshots", "memory", "omitted", "detectable_growth_bytes"):
        assert told[key] == answer[key]
    for ours, theirs in zip(told["suspects"], answer["suspects"], strict=True):
        for key in ("count", "growth", "retained_bytes", "confidence", "fingerprint", "bytes_growth"):
            assert ours[key] == theirs[key]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["leaks", "report", "diff"])
def test_it_asks_for_nothing_and_complains_of_nothing(
    driver: webdriver.Chrome, pages: dict[str, Path], name: str, scheme: str
) -> None:
    page = pages[name]
    assert page.stat().st_size < 2_000_000
    look(driver, page, scheme)
    time.sleep(0.2)
    assert requests(driver) == [page.as_uri()]
    assert driver.get_log("browser") == []
    assert "scripted" in find(driver, "html").get_attribute("class")
    # Every chart is drawn.
    for figure in every(driver, "figure[data-chart]"):
        assert figure.find_elements(By.CSS_SELECTOR, "svg path, .stacked span, .bars li")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["leaks", "report", "diff"])
def test_axe_finds_nothing_serious(driver: webdriver.Chrome, pages: dict[str, Path], name: str, scheme: str) -> None:
    axe_package = pytest.importorskip("axe_core_python", reason="axe is not installed")
    axe = Path(next(iter(axe_package.__path__))) / "axe.min.js"
    look(driver, pages[name], scheme)
    # All that can be unfolded is looked at too.
    driver.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    driver.execute_script(axe.read_text(encoding="utf-8"))
    found = driver.execute_async_script("axe.run(document).then(arguments[arguments.length - 1])")
    serious = [
        (each["id"], each["help"], [node["html"][:200] for node in each["nodes"][:3]])
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]
    assert not serious
    assert len(found["passes"]) > 20


def test_hostile_names_are_shown_as_text(driver: webdriver.Chrome, pages: dict[str, Path]) -> None:
    for name, page in pages.items():
        look(driver, page)
        assert driver.title.endswith("mem_top"), name
        assert len(every(driver, "script")) == 2
        search = find(driver, "#type-filter")
        search.send_keys("document.title")
        (shown,) = {each.text for each in every(driver, "#type-table tbody .name")}
        assert "</script><script>document.title='owned'</script><!--\\x1b[31m\\u202e\\u2028\N{SKULL}" in shown
    look(driver, pages["report"])
    find(driver, "#type-filter").send_keys("LLLLLLLL")
    long = [each.text for each in every(driver, "#type-table tbody .name")]
    assert long and all(len(each) < 300 and "…" in each for each in long)


def numbers(driver: webdriver.Chrome, column: int) -> list[str]:
    return [each.text for each in every(driver, f"#type-table tbody td:nth-child({column})")]


def test_types_are_sorted_and_filtered(driver: webdriver.Chrome, pages: dict[str, Path]) -> None:
    look(driver, pages["leaks"])
    headings = every(driver, "#type-table th button")
    assert [each.text.strip("▼▲ ") for each in headings[:4]] == ["Type", "Objects", "Bytes", "Retained"]
    headings[1].click()
    objects = [int(each.replace(",", "")) for each in numbers(driver, 2)]
    assert objects == sorted(objects, reverse=True) and len(objects) == 25
    assert every(driver, "#type-table th")[1].get_attribute("aria-sort") == "descending"
    headings[1].send_keys(Keys.ENTER)
    assert every(driver, "#type-table th")[1].get_attribute("aria-sort") == "ascending"
    assert int(numbers(driver, 2)[0].replace(",", "")) <= objects[-1]
    headings[0].click()
    names = numbers(driver, 1)
    assert names == sorted(names)
    every(driver, "#type-table button:not(.sort)")[0].click()
    assert len(numbers(driver, 1)) == 75
    find(driver, "#type-filter").send_keys("SESSION")
    assert all("session" in each.lower() for each in numbers(driver, 1))
    assert "__main__.Session" in numbers(driver, 1)
    find(driver, "#type-filter").send_keys("no such type")
    assert numbers(driver, 1) == []


def boxes(driver: webdriver.Chrome) -> list[str]:
    return [each.get_attribute("aria-label") for each in every(driver, ".boxes [role=treeitem]")]


def test_the_tree_is_zoomed_searched_and_gone_through_by_keys(driver: webdriver.Chrome, pages: dict[str, Path]) -> None:
    look(driver, pages["leaks"])
    first = boxes(driver)
    assert first[0].startswith("all reachable objects")
    assert any(each.startswith("your code") for each in first)
    # A click looks into a box, which is as wide as the whole then.
    holder = find(driver, ".boxes .marked")
    narrow = holder.size["width"]
    holder.click()
    holder = find(driver, ".boxes .marked")
    assert holder.size["width"] > 3 * narrow
    assert "by_token" in find(driver, ".details code").text
    assert driver.switch_to.active_element == holder
    # Escape goes a step back each time; the keys lead from box to box.
    for _ in range(6):
        driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert boxes(driver) == first
    driver.switch_to.active_element.send_keys(Keys.HOME)
    assert driver.switch_to.active_element.get_attribute("aria-level") == "1"
    driver.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    assert driver.switch_to.active_element.get_attribute("aria-level") == "2"
    driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    second = driver.switch_to.active_element.get_attribute("aria-label")
    driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert driver.switch_to.active_element.get_attribute("aria-label") == second
    assert boxes(driver) != first
    assert len(every(driver, ".boxes [tabindex='0']")) == 1
    find(driver, "#icicle button:not(:disabled)").click()
    assert boxes(driver) == first
    # The search tells how many there are, marks them, and Enter looks into the largest.
    search = find(driver, "#tree-search")
    search.send_keys("__main__.Session")
    assert re.match(r"\d+ places?, [\d.]+ kB, \d+ %", find(driver, ".search-status").text)
    assert every(driver, ".boxes .hit") and every(driver, ".boxes .miss")
    search.send_keys(Keys.ENTER)
    assert "Session" in find(driver, ".details .type").text
    search.clear()
    search.send_keys("no such place")
    assert find(driver, ".search-status").text.startswith("0 places")


def test_the_theme_is_the_systems_until_it_is_chosen(driver: webdriver.Chrome, pages: dict[str, Path]) -> None:
    def ground() -> str:
        return str(driver.execute_script("return getComputedStyle(document.body).backgroundColor"))

    look(driver, pages["report"], "light")
    light = ground()
    look(driver, pages["report"], "dark")
    dark = ground()
    assert light != dark
    button = find(driver, "#theme")
    seen = []
    for _ in range(3):
        button.click()
        seen.append((button.text, ground()))
    assert seen == [("Theme: light", light), ("Theme: dark", dark), ("Theme: system", dark)]


def test_without_a_script_it_reads_and_it_prints(driver: webdriver.Chrome, pages: dict[str, Path]) -> None:
    look(driver, pages["leaks"])
    pdf = base64.b64decode(driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 20_000
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.get("about:blank")
        driver.get(pages["leaks"].as_uri())
        text = find(driver, "main").text
        for part in ("Leak", "by_token", "Evidence", "Items held after each snapshot", "Session"):
            assert part in text
        assert not find(driver, "#icicle").is_displayed() and not find(driver, "#theme").is_displayed()
        assert len(every(driver, "#type-table tbody tr")) == 25
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_it_is_used_on_a_narrow_screen(driver: webdriver.Chrome, pages: dict[str, Path]) -> None:
    metrics = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        for page in pages.values():
            look(driver, page)
            assert driver.execute_script("return document.documentElement.scrollWidth") <= 390
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_links_lead_to_the_sections(driver: webdriver.Chrome, pages: dict[str, Path]) -> None:
    for page in pages.values():
        look(driver, page)
        for link in every(driver, "nav a"):
            target = (link.get_attribute("href") or "").partition("#")[2]
            assert find(driver, f"section#{target} h2").text == link.text
    # The skip link comes first, for those who have only keys.
    ActionChains(driver).send_keys(Keys.TAB).perform()
    assert driver.switch_to.active_element.text == "Skip to the verdict"
