"""The console in a real browser, Debian's chromium: what people see, on a screen, a phone, paper and by keyboard.

All names are hostile (tests/support/house.py), so that one that becomes markup shows here as an error of the console.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import axe_core_python
import pytest
from lxml import html
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from pybridge.web import pages
from tests.conftest import Connection
from tests.support import passwords
from tests.support.domain import one
from tests.support.house import MONTH, House, totals

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="there is no chromium; Debian's packages are chromium and chromium-driver"
)

ARGUMENTS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
AXE = Path(axe_core_python.__file__).parent / "axe.min.js"
PERIOD = f"from={MONTH}&to=2031-06-30"

CUT_CAPTIONS = """
return [...document.querySelectorAll("caption:not(.unseen) span")]
    .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth)
    .map((each) => each.textContent)
"""
TOO_WIDE = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOCUSABLE = """
    return [...document.querySelectorAll("a[href],button,input:not([type=hidden]),summary,[tabindex='0']")]
        .filter(each => each.checkVisibility({visibilityProperty: true})).length
"""
MARK_FOCUSED = """
    const each = document.activeElement;
    if (each !== document.body) each.dataset.reached = "yes";
    return document.querySelectorAll("[data-reached]").length
"""
# Of each chart: what is drawn, and how many figures the table below it has.
CHARTS = """
    return [...document.querySelectorAll("figure")].map(figure => {
        const marks = [...figure.querySelectorAll("svg .role-mark path")];
        const box = figure.querySelector("svg").getBoundingClientRect();
        return {
            title: figure.querySelector("figcaption").textContent,
            symbols: figure.querySelectorAll("svg .mark-symbol.role-mark path").length,
            bars: figure.querySelectorAll("svg .mark-rect.role-mark path").length,
            empty: marks.filter(each => !each.getAttribute("d")).length,
            high: box.height, wide: box.width,
            rows: figure.querySelectorAll("tbody tr").length,
            figures: [...figure.querySelectorAll("tbody td.n")].filter(each => each.textContent.trim()).length,
        }
    })
"""


@dataclass
class Screen:
    """The browser, at the console."""

    driver: webdriver.Chrome
    where: str
    people: dict[str, tuple[str, str]]

    def open(self, path: str) -> None:
        self.driver.get(self.where + path)

    def log_in(self, who: str) -> None:
        self.driver.delete_all_cookies()
        self.open("login?lang=en")
        for name, value in zip(("role", "password"), self.people[who], strict=True):
            self.driver.find_element(By.NAME, name).send_keys(value)
        self.press("Log in")

    def press(self, button: str) -> None:
        self.follow(self.driver.find_element(By.XPATH, f"//button[normalize-space()='{button}']"))

    def follow(self, element: WebElement) -> None:
        """Click it, and wait for the page that it leads to: the old one stands for a moment."""
        self.driver.execute_script("window.isOld = true")
        element.click()
        WebDriverWait(self.driver, 30, ignored_exceptions=[WebDriverException]).until(
            lambda driver: driver.execute_script("return !window.isOld && document.readyState === 'complete'")
        )

    @property
    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    def resize(self, width: int, height: int = 900) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def barriers(self) -> list[tuple[str, str]]:
        """What axe finds that is serious or critical: its rule, and the first element."""
        self.run(AXE.read_text())
        found = self.driver.execute_async_script(
            "const done = arguments[0];"
            "axe.run({resultTypes: ['violations']}).then(found => done(found.violations), error => done(`${error}`))"
        )
        assert isinstance(found, list), found
        return [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")]

    def complaints(self) -> list[str]:
        """What the browser's console says since it was last asked."""
        return [each["message"] for each in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def house(shared_db: Connection, tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(shared_db, tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def screen(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    info = house.db.info
    with ExitStack() as stack:
        asking = stack.enter_context(passwords.asked_for(house.db))
        people = {
            who: stack.enter_context(passwords.role(house.db, asking, who)) for who in ("auditor", "billig_seller")
        }
        url = f"postgresql://127.0.0.1:{info.port}/{info.dbname}"
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "pybridge", "serve", "--port", "0", "--lang", "en"],
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "DATABASE_URL": url},
            )
        )
        stack.callback(process.terminate)
        assert process.stdout
        where = process.stdout.readline().strip()
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for each in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}", "--lang=en"):
            options.add_argument(each)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER or ""))
        stack.callback(driver.quit)
        driver.set_script_timeout(20)
        yield Screen(driver, where, people)


@pytest.fixture
def inside(screen: Screen) -> Screen:
    """Logged in as one who may read everything."""
    screen.resize(1280)
    screen.open("?lang=en")
    if screen.people["auditor"][0] not in screen.text:
        screen.log_in("auditor")
    return screen


def addresses(house: House) -> list[str]:
    """Every page, and some in the way that shows most."""
    asked = {"statement": f"profile={house.advertiser}&month=2031-06", "clicks": PERIOD}
    asked |= {"event-sales": f"event={house.revue.event}"}
    return [f"page/{name}?lang=en&{asked.get(name, '')}" for name in pages.PAGES]


def test_one_logs_in_and_out_and_is_out_then(screen: Screen) -> None:
    screen.complaints()
    screen.log_in("auditor")
    assert screen.people["auditor"][0] in screen.text
    screen.open("page/jobs?lang=en")
    screen.follow(screen.driver.find_element(By.LINK_TEXT, "All pages"))
    screen.press("Log out")
    assert "You are logged out." in screen.text
    screen.driver.back()
    screen.open("page/jobs?lang=en")
    assert screen.driver.current_url.startswith(f"{screen.where}login")
    assert screen.complaints() == []


def test_a_wrong_password_is_told_and_a_refused_page_says_who_may_not(screen: Screen) -> None:
    name, _ = screen.people["billig_seller"]
    screen.people["wrong"] = (name, "wrong")
    screen.log_in("wrong")
    assert "does not let this role in" in screen.text
    screen.log_in("billig_seller")
    screen.open("page/vat-project?lang=en")
    assert name in screen.text
    assert "permission denied" in screen.text
    assert not screen.driver.find_elements(By.TAG_NAME, "table")
    screen.complaints()  # the browser notes each answer of 403


def test_every_page_is_without_errors_fits_the_screen_and_can_be_read_by_all(inside: Screen, house: House) -> None:
    inside.complaints()
    for path in ("?lang=en", "login?lang=nb", *addresses(house)):
        inside.open(path)
        assert inside.driver.title, path
        for width in (390, 1280):
            inside.resize(width)
            assert inside.run(TOO_WIDE) <= 0, (path, width)
            assert inside.run(CUT_CAPTIONS) == [], (path, width)
        assert inside.barriers() == [], path
    assert inside.complaints() == []


def test_what_is_wrong_with_a_page_would_be_found(inside: Screen) -> None:
    inside.complaints()
    wrong = '<img src="/x" onerror="1"><div style="width: 2000px">wide</div>'
    inside.driver.execute_script("document.querySelector('main').insertAdjacentHTML('beforeend', arguments[0])", wrong)
    assert "image-alt" in [rule for rule, _ in inside.barriers()]
    assert inside.run(TOO_WIDE) > 0
    assert any("Content Security Policy" in each for each in inside.complaints())


def test_charts_draw_each_figure_of_their_tables(inside: Screen, house: House) -> None:
    drawn = 0
    # A chart of clicks has a mark for each day from the first to the last, its table the days with clicks alone.
    days = one(house.db, "select max(click_date) - min(click_date) + 1 from report.marketplace_click_day")
    for path in addresses(house):
        inside.open(path)
        for chart in inside.run(CHARTS):
            where = (path, chart)
            assert chart["wide"] > 300, where
            assert chart["high"] > 50, where
            assert chart["empty"] == 0, where
            marks = chart["symbols"] + chart["bars"]
            expected = {days} if "/clicks" in path else {chart["figures"], chart["rows"]}
            assert marks in expected, where
            assert marks > 0, where
            drawn += 1
    assert drawn >= 4


def test_totals_on_the_screen_are_those_of_the_log(inside: Screen, house: House) -> None:
    inside.open("page/vat-project?lang=nb")
    shown = totals(html.document_fromstring(inside.driver.page_source), "Per prosjekt")
    gross = one(
        house.db,
        "select sum(amount + fee_amount) from billig.transaction_log where transaction_type in (1, 2, 3, 6, 8, 11)",
    )
    assert isinstance(gross, Decimal)
    assert shown["Brutto"] == gross != 0


@pytest.mark.parametrize(
    "path", ["?lang=en", "login?lang=en", "page/settlement?lang=en", f"page/clicks?lang=en&{PERIOD}"]
)
def test_everything_is_reached_by_the_keyboard(inside: Screen, path: str) -> None:
    inside.open(path)
    there = inside.run(FOCUSABLE)
    assert there > 3
    reached = 0
    for _ in range(2 * there):  # a link in the text has one stop, a date has several
        webdriver.ActionChains(inside.driver).send_keys(Keys.TAB).perform()
        reached = inside.run(MARK_FOCUSED)
        if reached >= there:
            break
    assert reached == there


def test_a_form_asks_a_page_for_what_was_chosen(inside: Screen, house: House) -> None:
    inside.driver.find_element(By.XPATH, "//summary[.='Choose: Monthly statement']").click()
    form = inside.driver.find_element(By.XPATH, "//form[@action='/page/statement']")
    form.find_element(By.NAME, "profile").send_keys(str(house.publisher))
    inside.follow(form.find_element(By.TAG_NAME, "button"))
    assert f"profile={house.publisher}" in inside.driver.current_url
    assert inside.driver.find_elements(By.TAG_NAME, "table")


def test_pages_print(inside: Screen, house: House) -> None:
    for path in ("page/vat-project?lang=en", f"page/statement?lang=en&profile={house.advertiser}&month=2031-06"):
        inside.open(path)
        paper = inside.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
        pdf = base64.b64decode(paper["data"])
        assert pdf.startswith(b"%PDF-")
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 1
