"""Pages in headless Chromium, for tests.

ctest names the programs: LOCKSTEP_PROGRAM, CHROMIUM, CHROMEDRIVER.
"""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

SECONDS = 30
PHONE = 390  # pixels across
FLAGS = ("--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
         "--disable-component-update --disable-sync --window-size=1400,900").split()
CHARTS = """
  return [...document.querySelectorAll(".card-chart, .card-matrix, .card-grid, .card-parallel")].map((card) => {
    const plot = card.querySelector(".plot");
    return {title: card.querySelector("h2").textContent, drawn: plot.querySelectorAll(".trace, .hm").length,
            traces: plot.data.map((t) => ({name: t.name, type: t.type, x: t.x && [...t.x], y: t.y && [...t.y],
                                           text: t.text, visible: t.visible}))};
  });"""

CONTRASTS = """
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (rgb) => rgb.slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || element.closest("script, style, noscript, .hm, svg .texttext") || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const ink = luminance(parts(element instanceof SVGElement ? style.fill : style.color));
    const paper = luminance(behind(element));
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    found.push([ratio, element.textContent.trim().slice(0, 40)]);
  }
  return found;"""


def start_browser(folder):
    options = webdriver.ChromeOptions()
    options.binary_location = os.environ["CHROMIUM"]
    for flag in [*FLAGS, f"--user-data-dir={folder}/profile"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.chrome.service.Service(os.environ["CHROMEDRIVER"])
    return webdriver.Chrome(service=service, options=options)


class BrowserTest(unittest.TestCase):
    """Tests that open pages which lockstep wrote in a folder of theirs."""

    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="lockstep-page-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        cls.browser = start_browser(cls.folder)
        cls.addClassCleanup(cls.browser.quit)
        cls.browser.get("data:,")
        cls.browser.get_log("performance")  # of the browser's own first page

    @classmethod
    def lockstep(cls, *arguments):
        subprocess.run([os.environ["LOCKSTEP_PROGRAM"], *arguments], cwd=cls.folder, check=True,
                       stdout=subprocess.DEVNULL)

    def setUp(self):
        self.size(1400)
        self.prefer("light")

    def tearDown(self):
        """Every page is quiet, and asks for nothing outside this machine."""
        self.assertEqual(self.browser.get_log("browser"), [])
        messages = [json.loads(line["message"])["message"] for line in self.browser.get_log("performance")]
        addresses = [message["params"]["request"]["url"] for message in messages
                     if message["method"] == "Network.requestWillBeSent"]
        self.assertTrue(addresses)
        for address in addresses:
            self.assertRegex(address, "^(file|data|blob):")

    def open(self, file, unfold=True):
        self.browser.get(file.as_uri())
        self.wait(lambda: self.script("return document.documentElement.dataset.ready") == "true")
        if unfold:
            self.script("document.querySelectorAll('.fold').forEach((fold) => { fold.open = true; })")
            self.wait(lambda: self.script("return !document.querySelector('.fold:not([data-made])')"))

    def from_menu(self, title, control):
        """What `control`, an XPath, finds in the menu of the chart `title`, which is opened."""
        menu = self.find(f"//section[.//h2='{title}']//details[@class='menu']")
        self.script("arguments[0].open = true", menu)
        return menu.find_element(By.XPATH, f".//{control}")

    def assert_readable(self, width):
        """The body does not scroll sideways, and every text has the contrast with what is behind it that WCAG 2.2 asks
        for (AA), also in open menus."""
        self.script("document.querySelectorAll('.menu').forEach((menu) => { menu.open = true; })")
        self.assertLessEqual(self.script("return document.documentElement.scrollWidth"), width)
        contrasts = self.script(CONTRASTS)
        self.assertGreater(len(contrasts), 10)
        for ratio, text in contrasts:
            self.assertGreaterEqual(ratio, 4.5, text)

    def assert_readable_on_a_phone_and_in_the_dark(self, file):
        self.size(PHONE)
        for scheme in ("light", "dark"):
            self.prefer(scheme)
            self.open(file)
            self.assert_readable(PHONE)

    def assert_tab_reaches_every_control(self, file):
        self.open(file, unfold=False)
        controls = self.script("return [...document.querySelectorAll('a, button, summary, select')].filter("
                               "(control) => control.checkVisibility()).length")
        self.script("document.activeElement.blur()")
        self.find("//body").send_keys(Keys.TAB)
        reached = []
        for _ in range(controls + 20):
            active = self.browser.switch_to.active_element
            if active in reached:
                break
            if active.tag_name in ("a", "button", "summary", "select"):
                reached.append(active)
            active.send_keys(Keys.TAB)
        self.assertEqual(len(reached), controls)

    def size(self, width):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)

    def prefer(self, scheme):
        self.command("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"}])  # what is clicked has to stand still

    def charts(self):
        return {chart["title"]: chart for chart in self.script(CHARTS)}

    def traces(self, title):
        return {trace["name"]: trace for trace in self.charts()[title]["traces"]}

    def command(self, name, **arguments):
        return self.browser.execute_cdp_cmd(name, arguments)

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def find(self, path):
        return self.browser.find_element(By.XPATH, path)

    def wait(self, condition):
        return WebDriverWait(self.browser, SECONDS).until(lambda _: condition())
