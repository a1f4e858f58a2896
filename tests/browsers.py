"""A real browser that opens pages from disk: headless Chromium, driven by Selenium."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
WAIT = 20.0
CLICKS = 4
FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1280,900")

needs_browser = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="no Chromium here: apt-get install chromium chromium-driver",
)


class Browser:
    """A browser and the page that it shows.

    Args:
        driver: Selenium's.
        downloads: The folder that downloads go to.
    """

    def __init__(self, driver: Chrome, downloads: Path) -> None:
        self.driver = driver
        self.downloads = downloads

    def open(self, page: Path, hash_: str = "") -> None:
        """Opens a page from disk, and waits until its items are there."""
        self.driver.get("about:blank")
        self.problems()
        self.driver.get(page.resolve().as_uri() + hash_)
        self.wait("return document.body.dataset.ready === 'yes'")

    def js(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str, *arguments: Any) -> Any:
        """What a script returns as soon as that is true."""
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, WAIT, 0.05).until(lambda _: self.js(script, *arguments), script)

    def texts(self, selector: str) -> list[str]:
        """The text of each element, as it is seen."""
        return self.js("return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText.trim())", selector)

    def problems(self) -> list[str]:
        """What the console was told since the last look."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """What the page asked for since the last look, itself aside: addresses that are not inside it."""
        entries = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        asked = (e["params"]["request"]["url"] for e in entries if e["method"] == "Network.requestWillBeSent")
        return [url for url in asked if not url.startswith(("data:", "blob:", "about:", "file:"))]

    def keys(self, *keys: str) -> None:
        """Types into what has the focus."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def choose(self, name: str, value: str) -> None:
        """Chooses in a select of the filters."""
        self.js(
            "const it = document.querySelector(`.filters [name=${arguments[0]}]`); it.value = arguments[1];"
            "it.dispatchEvent(new Event('change', { bubbles: true }));",
            name,
            value,
        )

    def click(self, selector: str) -> None:
        """A click on the first such element."""
        self.js("document.querySelector(arguments[0]).click()", selector)

    def downloaded(self, name: str, button: str) -> str:
        """The text of a file that a reader's click on a button downloads."""
        path = self.downloads / name
        path.unlink(missing_ok=True)
        from selenium.common.exceptions import TimeoutException
        from selenium.webdriver.support.ui import WebDriverWait

        for _ in range(CLICKS):
            # By script it would be no gesture, and of downloads without one a browser allows ten.
            self.js("document.querySelector(arguments[0]).scrollIntoView({ block: 'center' })", button)
            self.driver.find_element("css selector", button).click()
            try:
                WebDriverWait(self.driver, WAIT / CLICKS, 0.05).until(lambda _: path.exists())
            except TimeoutException:  # missed: a plot that was just being drawn moved what is below it
                continue
            return path.read_text(encoding="utf-8")
        raise AssertionError(f"{name} is not downloaded")

    @contextmanager
    def as_device(self, width: int = 1280, height: int = 900, *, dark: bool = False, media: str = "") -> Iterator[None]:
        """Another size, scheme or medium, for as long as this lasts."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": scheme})
        try:
            yield
        finally:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


@contextmanager
def browsing(downloads: Path) -> Iterator[Browser]:
    """A browser, until this ends."""
    from selenium import webdriver

    assert CHROMIUM is not None
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    try:
        driver.set_page_load_timeout(60)
        behaviour = {"behavior": "allow", "downloadPath": str(downloads)}
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
        yield Browser(driver, downloads)
    finally:
        driver.quit()
