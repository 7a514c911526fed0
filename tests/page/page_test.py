"""Reports in headless Chromium: what they show, that a keyboard can use them, and that they stay on this machine."""

import re
import unittest

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import runs
from browser import BrowserTest

HEADER = "//section[.//h2='Evaluations']//th[button='%s']"


def contrast(first, second):
    """WCAG 2.2's contrast ratio of two colours '#rrggbb'."""
    def luminance(colour):
        channels = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    darker, lighter = sorted([luminance(first), luminance(second)])
    return (lighter + 0.05) / (darker + 0.05)


class PageTest(BrowserTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.one = cls.folder / runs.SCRIPT_NAME
        cls.other = cls.folder / runs.IMAGE_NAME
        cls.steps, cls.evaluations = runs.write_run(cls.one, 2, runs.classification())
        runs.write_run(cls.other, 3, runs.regression())
        for arguments in ([cls.one], [cls.one, cls.other, "--out", "both.html"]):
            cls.lockstep("report", *arguments)

    def setUp(self):
        super().setUp()
        self.open(self.one / "report.html")

    def test_plots_hold_the_metrics(self):
        for title, key in (("Loss", "loss"), ("Learning rate", "learning_rate"), ("Gradient norm", "gradient_norm"),
                           ("Throughput", "samples_per_second")):
            trace = self.traces(title)["training"]
            self.assertEqual(trace["x"], [step["step"] for step in self.steps])
            self.assertEqual(trace["y"], [step[key] for step in self.steps])
        for title, key in (("Loss", "loss"), ("Accuracy", "accuracy")):
            for part in ("validation", "test"):
                lines = [line for line in self.evaluations if line["part"] == part]
                self.assertEqual(self.traces(title)[part]["x"], [line["step"] for line in lines])
                self.assertEqual(self.traces(title)[part]["y"], [line[key] for line in lines])
        parts = self.traces("Time of a step")
        self.assertEqual(list(parts), runs.PARTS)
        for i, part in enumerate(runs.PARTS):
            self.assertEqual(parts[part]["type"], "bar")
            for milliseconds in parts[part]["y"]:
                self.assertAlmostEqual(milliseconds, i + 1)
        self.assertEqual(self.charts()["Confusion matrix"]["traces"][0]["text"], runs.CONFUSION)
        for title, chart in self.charts().items():
            self.assertGreater(chart["drawn"], 0, title)

    def test_several_runs_share_the_charts(self):
        self.open(self.folder / "both.html")
        lines = self.charts()["Loss"]["traces"]
        self.assertEqual(len(lines), 6)
        self.assertEqual(lines[3]["y"], [step["loss"] for step in runs.steps(3)])
        legend = [button.text for button in self.browser.find_elements(By.CSS_SELECTOR, "#section-loss .legend button")]
        self.assertEqual(legend[:2], [f"{runs.SCRIPT_NAME}, training", f"{runs.SCRIPT_NAME}, validation"])
        points = self.charts()[f"Predicted against target: {runs.IMAGE_NAME}"]["traces"]
        self.assertEqual((points[0]["x"], points[0]["y"]), ([1, 2, 3], [1.5, 2.5, 2]))

    def test_html_in_names_is_shown_and_not_read(self):
        self.assertEqual(self.find("//h1").text, runs.SCRIPT_NAME)
        self.assertTrue(self.browser.title.startswith(runs.SCRIPT_NAME))
        ticks = self.script("return [...document.querySelectorAll('.card-matrix .ytick text')].map("
                            "(tick) => tick.textContent)")
        self.assertEqual(ticks, runs.CLASSES)
        self.from_menu("Confusion matrix", "button[.='Show as table']").click()
        rows = self.browser.find_elements(By.CSS_SELECTOR, ".card-matrix tbody th")
        self.assertEqual([row.text for row in rows], runs.CLASSES)
        self.assertTrue(self.find("//figcaption").text.startswith(f"{runs.CLASSES[0]}, taken for {runs.CLASSES[1]}"))
        self.open(self.folder / "both.html")
        self.assertIn(runs.IMAGE_NAME, self.find("//*[@id='subtitle']").text)
        self.assertIsNone(self.script("return window.harmed ?? null"))
        self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "main script, main img, main b, header img"), [])

    def test_images_have_their_pixels(self):
        canvases = self.browser.find_elements(By.CSS_SELECTOR, ".images canvas")
        self.assertEqual(len(canvases), 9)
        data = self.script("return [...arguments[0].getContext('2d').getImageData(0, 0, 4, 3).data]", canvases[0])
        self.assertEqual(data, [value for grey in runs.PIXELS for value in (grey, grey, grey, 255)])
        data = self.script("return [...arguments[0].getContext('2d').getImageData(0, 0, 2, 2).data]", canvases[8])
        self.assertEqual(data, [value for i in range(0, 12, 3) for value in (*runs.PIXELS[i:i + 3], 255)])
        self.assertEqual(canvases[0].get_attribute("role"), "img")
        self.assertIn("sample 41", canvases[0].get_attribute("aria-label"))

    def column(self, index):
        return [row.text for row in self.browser.find_elements(
            By.XPATH, f"//section[.//h2='Evaluations']//tbody/tr/*[{index}]")]

    def test_tables_are_sorted_by_keyboard(self):
        header = self.find(HEADER % "loss")
        button = header.find_element(By.TAG_NAME, "button")
        self.script("arguments[0].focus()", self.find(HEADER % "samples").find_element(By.TAG_NAME, "button"))
        self.browser.switch_to.active_element.send_keys(Keys.TAB)
        self.assertEqual(self.browser.switch_to.active_element, button)
        self.assertNotEqual(button.value_of_css_property("outline-style"), "none")
        self.assertEqual(header.get_attribute("aria-sort"), "none")
        for key, order in ((Keys.ENTER, "ascending"), (Keys.SPACE, "descending")):
            button.send_keys(key)
            self.assertEqual(header.get_attribute("aria-sort"), order)
            losses = [float(text) for text in self.column(5)]
            self.assertEqual(losses, sorted((round(line["loss"], 5) for line in self.evaluations),
                                            reverse=order == "descending"))

    def test_tables_are_copied_and_saved_as_shown(self):
        self.find(HEADER % "loss").click()
        ordered = sorted(self.evaluations, key=lambda line: line["loss"])
        names = ["part", "epoch", "step", "samples", "loss", "accuracy"]
        expected = [names] + [[line[name] for name in names] for line in ordered]

        def numbers(rows):
            return [[float(field) if re.match(r"[\d.]+$", str(field)) else field for field in row] for row in rows]

        section = "//section[.//h2='Evaluations']"
        self.command("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        self.find(section + "//button[.='Copy']").click()
        self.wait(lambda: self.find(section + "//*[@role='status']").text == "Copied 6 rows")
        copied = self.browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
        self.assertEqual(numbers(line.split("\t") for line in copied.splitlines()), numbers(expected))

        self.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.folder))
        self.find(section + "//button[.='Download CSV']").click()
        file = self.folder / "evaluations.csv"
        self.wait(file.exists)
        self.assertEqual(numbers(line.split(",") for line in file.read_text().splitlines()), numbers(expected))

    def test_legend_scale_and_table_of_a_chart_work_by_keyboard(self):
        section = "//*[@id='section-loss']"
        legend = self.find(section + "//*[@role='group']/button[.='validation']")
        self.assertEqual(legend.get_attribute("aria-pressed"), "true")
        legend.send_keys(Keys.SPACE)
        self.assertEqual(legend.get_attribute("aria-pressed"), "false")
        self.wait(lambda: self.traces("Loss")["validation"]["visible"] is False)
        self.assertTrue(self.traces("Loss")["test"]["visible"])

        plot = self.find(section + "//div[contains(@class, 'plot')]")
        self.assertEqual(plot.get_attribute("role"), "img")
        self.assertIn("training, validation, test", plot.get_attribute("aria-label"))
        self.assertEqual(self.script("return arguments[0].layout.yaxis.type", plot), "linear")
        self.from_menu("Loss", "button[.='Log scale']").send_keys(Keys.ENTER)
        self.wait(lambda: self.script("return arguments[0].layout.yaxis.type", plot) == "log")

        self.from_menu("Loss", "button[.='Show as table']").send_keys(Keys.ENTER)
        rows = self.script("return [...document.querySelectorAll('#section-loss tbody tr')].map("
                           "(row) => [...row.children].map((cell) => cell.textContent))")
        self.assertEqual(len(rows), runs.STEPS)
        self.assertEqual(rows[49], ["50", "–", "–", "–"])
        self.assertEqual([float(text) for text in rows[59]], [60, round(self.steps[59]["loss"], 5), 1, 1.25])

    def colours(self):
        names = ("background", "surface", "raised", "heat-0", "heat-1", "text", "muted", "accent", "problem")
        return {name: self.script("return getComputedStyle(document.documentElement).getPropertyValue(arguments[0])",
                                  f"--{name}").strip() for name in names}

    def test_dark_mode_changes_page_and_plots(self):
        def seen():
            return (self.script("return getComputedStyle(document.body).backgroundColor"),
                    self.script("return document.querySelector('.plot').layout.font.color"),
                    self.script("return document.querySelector('.plot').data[0].line.color"))

        self.addCleanup(self.script, "localStorage.clear()")  # which keeps the choice
        light = seen()
        self.find("//*[@id='theme']").send_keys(Keys.ENTER)
        self.wait(lambda: all(a != b for a, b in zip(light, seen())))
        dark = seen()
        self.assertEqual(self.find("//*[@id='theme']").get_attribute("aria-pressed"), "true")
        self.prefer("dark")
        self.open(self.one / "report.html")
        self.assertEqual(seen(), dark)
        self.prefer("light")
        self.wait(lambda: seen() == light)

    def test_text_has_the_contrast_that_wcag_asks_for(self):
        for scheme in ("light", "dark"):
            self.prefer(scheme)
            self.open(self.one / "report.html")
            colours = self.colours()
            for text in ("text", "muted", "accent", "problem"):
                for background in ("background", "surface", "raised"):
                    ratio = contrast(colours[text], colours[background])
                    self.assertGreaterEqual(ratio, 4.5, f"{text} on {background}, {scheme}")
            for cell in ("heat-0", "heat-1"):  # and so between them
                self.assertGreaterEqual(contrast(colours["text"], colours[cell]), 4.5, f"{cell}, {scheme}")

    def test_nothing_overflows_a_narrow_screen(self):
        self.size(360)
        for file in (self.one / "report.html", self.folder / "both.html"):
            self.open(file)
            self.assertLessEqual(self.script("return document.documentElement.scrollWidth"), 360)
            wide = self.script("return [...document.querySelectorAll('.card, .plot, .plot svg')].filter("
                               "(e) => e.getBoundingClientRect().right > 360).length")
            self.assertEqual(wide, 0)


if __name__ == "__main__":
    unittest.main()
