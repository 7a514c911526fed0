"""The page of a sweep in headless Chromium: it shows what table.jsonl holds."""

import json
import statistics
import unittest

from selenium.webdriver.common.by import By

from browser import BrowserTest

RATES = ["0.1", "0.01", "1e6"]
LAYERS = ["linear 8, linear 8, linear 4", "linear 4"]


class SweepPageTest(BrowserTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lockstep("sweep", "--run.dir", "sweep", "--sweep", f"optimizer.learning-rate={','.join(RATES)}", "--sweep",
                     f"model.layers={'|'.join(LAYERS)}", "--data.source", "blobs", "--data.samples", "90",
                     "--train.batch-size", "32", "--train.epochs", "2", "--evaluations", "2")
        cls.table = [json.loads(line) for line in (cls.folder / "sweep" / "table.jsonl").read_text().splitlines()]

    def setUp(self):
        super().setUp()
        self.open(self.folder / "sweep" / "report.html")

    def result(self, key, rate, layers):
        return next(line[key] for line in self.table
                    if line["settings"] == {"optimizer.learning-rate": rate, "model.layers": layers})

    def rows(self, title):
        return [[cell.text for cell in row.find_elements(By.XPATH, "*")]
                for row in self.browser.find_elements(By.XPATH, f"//section[.//h2='{title}']//tbody/tr")]

    def test_results_are_drawn_over_each_key(self):
        for title, key in (("Test loss", "test_loss"), ("Test accuracy", "test_accuracy")):
            over_rates = self.charts()[f"{title} over optimizer.learning-rate"]
            self.assertEqual([trace["name"] for trace in over_rates["traces"]], [f"model.layers = {one}" for one in LAYERS])
            for layers, trace in zip(LAYERS, over_rates["traces"]):
                self.assertEqual(trace["x"], [0.01, 0.1, 1e6])
                self.assertEqual(trace["y"], [self.result(key, rate, layers) for rate in ("0.01", "0.1", "1e6")])
            over_layers = self.charts()[f"{title} over model.layers"]
            self.assertEqual(over_layers["drawn"], len(RATES))
            for rate, trace in zip(RATES, over_layers["traces"], strict=True):
                self.assertEqual(trace["x"], LAYERS)
                self.assertEqual(trace["y"], [self.result(key, rate, layers) for layers in LAYERS])
        self.assertIsNone(self.result("test_loss", "1e6", LAYERS[0]), "one training diverged")

    def test_settings_that_matter_are_bars_of_their_variance(self):
        """Each one's is that of the means at its values; the training that diverged counts as the worst other."""
        losses = {(rate, layers): self.result("training_loss", rate, layers) for rate in RATES for layers in LAYERS}
        worst = max(loss for loss in losses.values() if loss is not None)
        losses = {point: worst if loss is None else loss for point, loss in losses.items()}
        whole = statistics.pvariance(losses.values())
        of_rates = statistics.pvariance(statistics.fmean(losses[rate, one] for one in LAYERS) for rate in RATES)
        of_layers = statistics.pvariance(statistics.fmean(losses[rate, one] for rate in RATES) for one in LAYERS)
        expected = {"optimizer.learning-rate": of_rates, "model.layers": of_layers,
                    "interactions and chance": whole - of_rates - of_layers}
        items = self.browser.find_elements(By.XPATH, "//section[.//h2='Which settings matter for the training loss']//li")
        shown = {name.text: float(value.text) for name, value in (item.find_elements(By.TAG_NAME, "span") for item in items)}
        self.assertEqual(shown.keys(), expected.keys())
        for name, variance in expected.items():
            self.assertAlmostEqual(shown[name], 100 * variance / whole, delta=1e-3)

    def best_first(self):
        """By the training loss, as there is no validation part; diverged ones last."""
        def rank(line):
            return float("inf") if line["training_loss"] is None else line["training_loss"]
        return sorted(self.table, key=rank)

    def test_the_winner_comes_first_with_its_command(self):
        winner = self.best_first()[0]
        first = self.find("//main/section[1]")
        figure = float(first.find_element(By.CLASS_NAME, "figure").text)
        self.assertAlmostEqual(figure, winner["training_loss"], delta=1e-4)
        command = f"lockstep train --config sweep/points/{winner['point']}.cfg"
        self.assertEqual(first.find_element(By.TAG_NAME, "code").text, command)
        self.command("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        copy = first.find_element(By.XPATH, ".//button[.='Copy']")
        copy.click()
        self.wait(lambda: copy.text == "Copied")
        copied = self.browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
        self.assertEqual(copied, command)

    def test_the_table_has_a_row_a_point_best_first_and_sorts(self):
        rows = self.rows("Results")
        self.assertEqual([row[:4] for row in rows],
                         [[str(line["point"]),
                           f"{float(line['settings']['optimizer.learning-rate']):,g}".replace("1e+06", "1,000,000"),
                           line["settings"]["model.layers"], "diverged" if line["diverged"] else "yes"]
                          for line in self.best_first()])
        self.assertEqual([row[-1] for row in rows], [line["weights_digest"] for line in self.best_first()])
        self.find("//section[.//h2='Results']//th/button[.='test loss']").click()
        order = sorted((line["point"] for line in self.table if line["test_loss"] is not None),
                       key=lambda point: self.table[point - 1]["test_loss"])
        diverged = [line["point"] for line in self.table if line["diverged"]]
        self.assertEqual([int(row[0]) for row in self.rows("Results")], order + diverged)

    def test_every_point_has_its_command_and_settings(self):
        rows = self.rows("Points")
        self.assertEqual([row[1] for row in rows],
                         [f"lockstep train --config sweep/points/{line['point']}.cfg" for line in self.best_first()])
        self.assertEqual([sorted(row[2:]) for row in rows],
                         [sorted(line["settings"].values()) for line in self.best_first()])

    def test_two_settings_have_a_heat_map(self):
        trace, = self.script("return document.querySelector('.card-grid .plot').data.map((t) => ({z: t.z}))")
        rates = sorted(RATES, key=float)
        self.assertEqual(trace["z"],
                         [[self.result("training_loss", rate, layers) for rate in rates] for layers in LAYERS])
        self.assertGreater(len(self.browser.find_elements(By.CSS_SELECTOR, ".card-grid .hm image")), 0)

    def test_more_settings_have_parallel_coordinates(self):
        self.lockstep("sweep", "--run.dir", "three", "--sweep", "optimizer.learning-rate=0.1,0.01", "--sweep",
                      "train.batch-size=16,32", "--sweep", "model.layers=linear 4|linear 8, linear 4", "--data.source",
                      "blobs", "--data.samples", "90", "--train.epochs", "1")
        self.open(self.folder / "three" / "report.html")
        table = [json.loads(line) for line in (self.folder / "three" / "table.jsonl").read_text().splitlines()]
        losses = sorted((line["training_loss"] for line in table), reverse=True)
        traces = self.script("return document.querySelector('.card-parallel .plot').data.map((t) => t.y)")
        self.assertEqual(len(traces), 8)
        for found, loss in zip(traces, losses):  # the best is drawn last, on top
            self.assertAlmostEqual(found[3], (losses[0] - loss) / (losses[0] - losses[-1]))
        best = min(table, key=lambda line: line["training_loss"])["settings"]
        self.assertEqual(traces[-1][:3], [float(best["optimizer.learning-rate"] == "0.1"),
                                          float(best["train.batch-size"] == "32"),
                                          float(best["model.layers"] == "linear 8, linear 4")])
        self.assert_readable_on_a_phone_and_in_the_dark(self.folder / "three" / "report.html")

    def test_nothing_overflows_a_narrow_screen(self):
        self.size(360)
        self.open(self.folder / "sweep" / "report.html")
        self.assertLessEqual(self.script("return document.documentElement.scrollWidth"), 360)

    def test_tab_reaches_every_control(self):
        self.assert_tab_reaches_every_control(self.folder / "sweep" / "report.html")


if __name__ == "__main__":
    unittest.main()
