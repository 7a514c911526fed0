"""The page of a sweep in headless Chromium: it shows what table.jsonl holds."""

import json
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
                for row in self.browser.find_elements(By.XPATH, f"//section[h2='{title}']//tbody/tr")]

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

    def test_the_table_has_a_row_a_point_and_sorts(self):
        rows = self.rows("Results")
        self.assertEqual([row[:4] for row in rows],
                         [[str(i + 1), f"{float(line['settings']['optimizer.learning-rate']):,g}".replace("1e+06", "1,000,000"),
                           line["settings"]["model.layers"], "diverged" if line["diverged"] else "yes"]
                          for i, line in enumerate(self.table)])
        self.assertEqual([row[-1] for row in rows], [line["weights_digest"] for line in self.table])
        self.find("//section[h2='Results']//th/button[.='test loss']").click()
        order = sorted((line["point"] for line in self.table if line["test_loss"] is not None),
                       key=lambda point: self.table[point - 1]["test_loss"])
        diverged = [line["point"] for line in self.table if line["diverged"]]
        self.assertEqual([int(row[0]) for row in self.rows("Results")], order + diverged)

    def test_every_point_has_its_command_and_settings(self):
        rows = self.rows("Points")
        self.assertEqual([row[1] for row in rows], [f"lockstep train --config sweep/points/{i}.cfg" for i in range(1, 7)])
        self.assertEqual([sorted(row[2:]) for row in rows], [sorted(line["settings"].values()) for line in self.table])

    def test_nothing_overflows_a_narrow_screen(self):
        self.size(360)
        self.open(self.folder / "sweep" / "report.html")
        self.assertLessEqual(self.script("return document.documentElement.scrollWidth"), 360)


if __name__ == "__main__":
    unittest.main()
