"""The page of one run, and of many, in headless Chromium: the result first, what a person can do with its charts."""

import fcntl
import json
import struct
import time
import unittest

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

import runs
from browser import BrowserTest

OUTLIER = 1000.0
LAYOUT = "return document.querySelector(`#section-${arguments[0]} .plot`).layout"


def average(values, factor):
    """The exponential moving average, divided by the sum of its weights."""
    result = []
    for n, value in enumerate(values):
        if value is None:
            result.append(None)
            continue
        known = [v for v in values[:n + 1] if v is not None]
        weights = [factor ** (len(known) - 1 - i) for i in range(len(known))]
        result.append(sum(w * v for w, v in zip(weights, known)) / sum(weights))
    return result


def lock(file):
    """As a run has its metrics.jsonl."""
    fcntl.fcntl(file, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 1, 0))  # F_OFD_SETLK


class ResultPageTest(BrowserTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_dir = cls.folder / "run"
        cls.steps, cls.evaluations = runs.write_run(cls.run_dir, 2, runs.classification(), OUTLIER)
        cls.steps[0]["loss"] = OUTLIER
        with (cls.run_dir / "config.cfg").open("a") as config:
            config.write("[run]\nname = first try\nnotes = what it is for\ntags = a, b\n")
        cls.lockstep("report", "run")
        cls.page = cls.run_dir / "report.html"
        runs.write_run(cls.folder / "regression", 3, runs.regression())
        cls.lockstep("report", "regression")
        cls.several = [f"several/{i}" for i in range(12)]
        for i, run in enumerate(cls.several):
            runs.write_run(cls.folder / run, i + 1)
        cls.lockstep("report", *cls.several, "--out", "several.html")

    def layout(self, chart):
        return self.script(LAYOUT, chart)

    def test_the_result_comes_first_and_the_rest_is_folded(self):
        self.open(self.page, unfold=False)
        self.assertEqual(self.find("//h1").text, "first try")
        first = self.find("//main/section[1]")
        figure = first.find_element(By.CLASS_NAME, "figure")
        self.assertEqual(float(figure.text), round(1 - 1 / 5, 5))  # validation accuracy of epoch 3
        self.assertGreater(float(figure.value_of_css_property("font-size")[:-2]), 32)
        self.assertEqual(first.find_element(By.CLASS_NAME, "status").text, "finished")
        for text in ("0.8 in epoch 3", "what it is for", "a, b", "1.89 s"):  # 90 steps of 21 ms
            self.assertIn(text, first.text)
        for title in ("Evaluations", "Run", "Configuration"):
            self.assertFalse(self.script("return arguments[0].open", self.find(f"//details[summary/h2='{title}']")))
            self.assertEqual(self.browser.find_elements(By.XPATH, f"//section[.//h2='{title}']//td"), [])

    def test_a_fold_is_opened_by_keyboard_and_by_the_contents(self):
        self.open(self.page, unfold=False)
        self.find("//details[summary/h2='Evaluations']/summary").send_keys(Keys.ENTER)
        self.wait(lambda: len(self.browser.find_elements(By.XPATH, "//section[.//h2='Evaluations']//tbody/tr")) == 6)
        self.find("//nav//a[.='Configuration']").click()
        self.wait(lambda: self.find("//section[.//h2='Configuration']//th[.='train.batch-size']").is_displayed())

    def test_outliers_lie_outside_until_they_are_asked_for(self):
        self.open(self.page)
        low, high = self.layout("loss")["yaxis"]["range"]
        self.assertLess(high, 4)
        self.assertGreater(high, 2)
        self.assertLess(low, 0.25)
        self.assertIn("Outliers are outside", self.find("//*[@id='section-loss']").text)
        self.from_menu("Loss", "button[.='Outliers']").send_keys(Keys.ENTER)
        self.wait(lambda: self.layout("loss")["yaxis"]["range"][1] >= OUTLIER)

    def test_a_constant_is_not_drawn_as_zero(self):
        folder = self.folder / "constant"
        runs.write_run(folder, 1)
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for line in lines:
            if "learning_rate" in line:
                line["learning_rate"] = 0.001 * (1 + 1e-15 * (line["step"] % 2))  # as means of a constant may be
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / "metrics.jsonl").write_text(text)
        self.lockstep("report", "constant")
        self.open(folder / "report.html")
        low, high = self.layout("learning-rate")["yaxis"]["range"]
        self.assertEqual(low, 0)
        self.assertAlmostEqual(high, 0.002)

    def test_losses_are_smoothed(self):
        self.open(self.page)
        Select(self.from_menu("Loss", "label[starts-with(., 'Smoothing')]/select")).select_by_visible_text("medium")
        found = self.traces("Loss")["training"]["y"]
        for value, expected in zip(found, average([step["loss"] for step in self.steps], 0.9), strict=True):
            if expected is None:
                self.assertIsNone(value)
            else:
                self.assertAlmostEqual(value, expected, delta=1e-9 * expected)

    def test_x_is_step_epoch_or_time(self):
        self.open(self.page)
        choice = Select(self.from_menu("Loss", "label[starts-with(., 'Along x')]/select"))
        self.assertEqual([option.text for option in choice.options], ["step", "epoch", "seconds in steps"])
        choice.select_by_visible_text("epoch")
        self.assertEqual(self.traces("Loss")["training"]["x"], [step["epoch"] for step in self.steps])
        self.assertEqual(self.traces("Loss")["test"]["x"], [1, 2, 3])
        self.assertEqual(self.layout("loss")["xaxis"]["title"]["text"], "epoch")
        choice.select_by_visible_text("seconds in steps")
        for found, step in zip(self.traces("Loss")["training"]["x"], self.steps):
            self.assertAlmostEqual(found, 0.021 * step["step"])

    def test_the_best_epoch_is_marked(self):
        self.open(self.page)
        for chart, value in (("loss", 2 / 3), ("accuracy", 0.8)):
            mark, = self.layout(chart)["annotations"]
            self.assertEqual(mark["x"], 90)
            self.assertAlmostEqual(mark["y"], value)
            self.assertIn("best", mark["text"])

    def test_no_colour_is_used_twice(self):
        self.open(self.folder / "several.html")
        looks = self.script("return document.querySelector('#section-loss .plot').data.map("
                            "(trace) => [trace.line.color, trace.line.dash])")
        colours = [looks[i][0] for i in range(0, len(looks), 3)]
        self.assertEqual(len(set(colours)), 12)
        self.assertEqual(len({dash for _, dash in looks}), 6, "those beyond eight have dashes of their own")
        bars = self.folder / "bars"
        parts = [f"part_{i}" for i in range(11)]
        runs.write_run(bars, 1)
        lines = [json.loads(line) for line in (bars / "metrics.jsonl").read_text().splitlines()]
        for line in lines:
            if "seconds" in line:
                line["seconds"] = dict.fromkeys(parts, 0.001)
        (bars / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.lockstep("report", "bars")
        self.open(bars / "report.html")
        colours = self.script("return document.querySelector('#section-step-time .plot').data.map("
                              "(trace) => trace.marker.color)")
        self.assertEqual(len(set(colours)), 11)

    def test_differences_come_below_the_results_and_same_columns_are_hidden(self):
        self.open(self.folder / "several.html")
        titles = [title.text for title in self.browser.find_elements(By.TAG_NAME, "h2")]
        self.assertEqual(titles[:2], ["Runs", "Differences in configuration"])

        def headers(title):
            cells = self.browser.find_elements(By.XPATH, f"//section[.//h2='{title}']//th/button")
            return [cell.text for cell in cells]

        self.assertEqual(headers("Differences in configuration"), ["run", "train.seed"])
        self.assertNotIn("optimizer", headers("Runs"))
        self.assertIn("test loss", headers("Runs"))
        self.find("//section[.//h2='Runs']//button[starts-with(., 'Columns that are the same')]").send_keys(Keys.ENTER)
        self.assertIn("optimizer", headers("Runs"))

    def test_regressions_show_predictions_and_residuals(self):
        self.open(self.folder / "regression" / "report.html")
        self.assertEqual(self.traces("Predicted against target")["samples"]["y"], [1.5, 2.5, 2])
        self.assertEqual(self.traces("Residuals")["samples"]["y"], [0.5, 0.5, -1])

    def test_a_menu_closes_by_escape(self):
        self.open(self.page)
        summary = self.find("//*[@id='section-loss']//details[@class='menu']/summary")
        summary.send_keys(Keys.ENTER)
        self.find("//*[@id='section-loss']//button[.='Show as table']").send_keys(Keys.ESCAPE)
        self.assertFalse(self.script("return arguments[0].parentElement.open", summary))
        self.assertEqual(self.browser.switch_to.active_element, summary)

    def test_the_page_of_a_running_run_loads_itself_again(self):
        folder = self.folder / "running"
        runs.write_run(folder, 1)
        metrics = folder / "metrics.jsonl"
        metrics.write_text("".join(line + "\n" for line in metrics.read_text().splitlines()[:-1]))  # without the end
        with metrics.open("a") as file:
            lock(file)
            self.lockstep("report", "running")
        page = folder / "report.html"
        page.write_text(page.read_text().replace('"refresh":30', '"refresh":1'))
        self.open(page)
        self.assertEqual(self.find("//*[@class='status status-running']").text, "running")
        self.script("window.earlier = true")
        self.wait(lambda: self.script("return window.earlier === undefined && document.documentElement.dataset.ready"))
        self.find("//button[@id='refresh']").click()
        self.assertEqual(self.find("//button[@id='refresh']").get_attribute("aria-pressed"), "false")
        self.lockstep("report", "running")
        self.open(page)
        self.assertEqual(self.find("//*[contains(@class, 'status')]").text, "interrupted")
        self.assertEqual(self.browser.find_elements(By.ID, "refresh"), [])

    def test_the_page_of_a_run_that_was_killed_does_not_say_running_for_ever(self):
        folder = self.folder / "killed"
        runs.write_run(folder, 1)
        metrics = folder / "metrics.jsonl"
        for seconds, expected in ((0, "^running$"), (3600, r"^no sign since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")):
            lines = [json.loads(line) for line in metrics.read_text().splitlines() if '"end"' not in line]
            lines[-1]["time"] = time.time() - seconds
            metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
            with metrics.open("a") as file:
                lock(file)
                self.lockstep("report", "killed")  # which the run did before it was killed
            self.open(folder / "report.html")
            self.assertRegex(self.find("//*[starts-with(@class, 'status ')]").text, expected)
            self.assertNotIn("running", self.find("//*[@id='subtitle']").text)

    def test_the_page_of_300_runs_is_small_enough(self):
        many = [f"many/{i}" for i in range(300)]
        for i, run in enumerate(many):
            folder = self.folder / run
            folder.mkdir(parents=True)
            (folder / "config.cfg").write_text(f"[train]\nseed = {i}\n")
            lines = [{"event": "start", "world_size": 1},
                     *({"event": "step", "step": s, "epoch": s / 30, "loss": 2.3025850929940457 / (s + i),
                        "learning_rate": 0.1 / s, "gradient_norm": 1 / (3 + s), "samples_per_second": 12345.678 + s,
                        "seconds": {"forward": 0.00123456 + 1e-7 * s}} for s in range(1, 601)),
                     *({"event": "evaluation", "part": part, "epoch": e, "step": 30 * e, "samples": 100,
                        "loss": 1 / (e + i), "accuracy": 1 - 1 / (e + 3)}
                       for e in range(1, 21) for part in ("validation", "test"))]
            (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.lockstep("report", *many, "--out", "many.html")
        self.assertLess((self.folder / "many.html").stat().st_size, 20e6)
        self.open(self.folder / "many.html", unfold=False)
        self.assertEqual(len(self.browser.find_elements(By.XPATH, "//section[.//h2='Runs']//tbody/tr")), 300)

    def test_every_page_is_readable_on_a_phone_and_in_the_dark(self):
        for file in (self.page, self.folder / "regression" / "report.html", self.folder / "several.html"):
            self.assert_readable_on_a_phone_and_in_the_dark(file)

    def test_tab_reaches_every_control(self):
        self.assert_tab_reaches_every_control(self.page)


if __name__ == "__main__":
    unittest.main()
