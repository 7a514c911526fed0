"""The pages of the studies scaling and plan in headless Chromium: they show what metrics.jsonl holds."""

import json
import unittest

from selenium.webdriver.common.by import By

from browser import BrowserTest

BATCHES = [16, 64]
SMALL = ["--data.source", "blobs", "--data.samples", "500", "--model.layers", "linear 16, relu, linear 4",
         "--train.batch-size", "64"]


class ScalingPageTest(BrowserTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lockstep("study", "scaling", "--run.dir", "scaling", "--rounds", "3", "--predict", "8", *SMALL)
        cls.lockstep("study", "scaling", "--run.dir", "more", "--rounds", "3", "--predict", "64", *SMALL)
        batches = cls.folder / "batches"
        batches.mkdir()
        (batches / "config.cfg").write_text("[data]\nsource = blobs\n[model]\nlayers = linear 16, relu, linear 4\n")
        lines = [{"event": "batch", "batch_size": batch, "reached": True, "steps": {"median": 100 * (1 + 64 / batch)}}
                 for batch in BATCHES]
        lines.append({"event": "fit", "of": "steps", "least": {"value": 100}, "critical_batch": {"value": 64}})
        (batches / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        cls.lockstep("study", "plan", "--run.dir", "plan", "--batch-size", "batches", "--scaling", "scaling",
                     "--most-ranks", "4")

    def metrics(self, study, event):
        lines = (self.folder / study / "metrics.jsonl").read_text().splitlines()
        return [line for line in map(json.loads, lines) if line["event"] == event]

    def rows(self, title):
        return [[cell.text for cell in row.find_elements(By.XPATH, "*")]
                for row in self.browser.find_elements(By.XPATH, f"//section[.//h2='{title}']//tbody/tr")]

    def assert_near(self, text, number):
        self.assertAlmostEqual(float(text.replace(",", "")), number, delta=1e-4 * abs(number) + 1e-12)

    def model_seconds(self, ranks, batch):
        """With exchange free, as one rank alone has measured it."""
        model, = self.metrics("scaling", "step_model")
        return model["step_seconds"] + model["sample_seconds"] * batch / ranks

    def test_the_table_has_what_was_measured(self):
        self.open(self.folder / "scaling" / "report.html")
        for row, line in zip(self.rows("Measured"), self.metrics("scaling", "scaling"), strict=True):
            self.assertEqual(row[:2], [str(line["ranks"]), str(line["batch_size"])])
            expected = [1e3 * line[key] for key in ("seconds", "fastest", "slowest")] + [line["samples_per_second"]]
            for cell, number in zip(row[2:6], expected, strict=True):
                self.assert_near(cell, number)

    def test_speed_up_is_drawn_beside_model_amdahl_and_ideal(self):
        self.open(self.folder / "scaling" / "report.html")
        traces = self.traces("Strong scaling: speed-up")
        self.assertEqual(traces["ideal"]["x"], [1, 2, 4, 8])
        self.assertEqual(traces["ideal"]["y"], [1, 2, 4, 8])
        self.assertTrue(any(name and name.startswith("Amdahl") for name in traces))
        for batch in BATCHES:
            self.assertEqual(traces[f"batch {batch}"]["x"], [1])
            self.assertEqual(traces[f"batch {batch}"]["y"], [1])
            model = traces[f"batch {batch}: model"]
            self.assertEqual(model["x"], [1, 2, 4, 8])
            for ranks, speedup in zip(model["x"], model["y"]):
                expected = self.model_seconds(1, batch) / self.model_seconds(ranks, batch)
                self.assertAlmostEqual(speedup, expected, delta=1e-9 * expected)
        for title, chart in self.charts().items():
            self.assertGreater(chart["drawn"], 0, title)

    def test_predictions_say_that_they_are_none_of_the_measured(self):
        self.open(self.folder / "scaling" / "report.html")
        rows = self.rows("Predicted beyond the measured ranks")
        self.assertEqual([row[:2] for row in rows], [[str(ranks), str(batch)] for ranks in (2, 4, 8) for batch in BATCHES])
        for row in rows:
            self.assert_near(row[2], 1e3 * self.model_seconds(int(row[0]), int(row[1])))

    def test_nothing_is_predicted_that_the_configuration_does_not_allow(self):
        self.open(self.folder / "more" / "report.html")
        rows = self.rows("Predicted beyond the measured ranks")
        self.assertEqual({int(row[0]) for row in rows}, {2, 4, 8}, "train.micro-batches is 8")
        section = self.find("//section[.//h2='Predicted beyond the measured ranks']")
        self.assertIn("allows no more than 8 ranks", section.text)
        self.assertEqual(max(self.traces("Strong scaling: speed-up")["batch 64: model"]["x"]), 8)

    def test_costs_have_units_that_people_use(self):
        self.open(self.folder / "more" / "report.html")
        facts = self.find("//section[starts-with(.//h2, 'The model')]").text
        self.assertRegex(facts, r"fixed cost of a step\n[\d.]+ (s|ms|µs)")
        self.assertNotRegex(facts, r"e[+-]\d\d")

    def test_the_plan_is_drawn_and_listed(self):
        self.open(self.folder / "plan" / "report.html")
        cells = self.metrics("plan", "plan")
        for row, cell in zip(self.rows("All pairs"), cells, strict=True):
            self.assertEqual(row[:2], [str(cell["ranks"]), str(cell["batch_size"])])
            self.assert_near(row[2], cell["seconds"])
            self.assert_near(row[3], cell["core_hours"])
            measured = cell["ranks"] == 1 and cell["batch_size"] in BATCHES
            self.assertEqual(row[-1] == "steps and step measured", measured)
        traces = self.traces("Time to the target")
        self.assertEqual(list(traces), ["1 rank", "2 ranks", "4 ranks"])
        for name, trace in traces.items():
            expected = [cell for cell in cells if name.startswith(f"{cell['ranks']} ")]
            self.assertEqual(trace["x"], [cell["batch_size"] for cell in expected])
            self.assertEqual(trace["y"], [cell["seconds"] for cell in expected])

    def test_nothing_overflows_a_narrow_screen(self):
        self.size(360)
        for study in ("scaling", "plan"):
            self.open(self.folder / study / "report.html")
            self.assertLessEqual(self.script("return document.documentElement.scrollWidth"), 360)

    def test_every_page_is_readable_on_a_phone_and_in_the_dark(self):
        for study in ("scaling", "plan"):
            self.assert_readable_on_a_phone_and_in_the_dark(self.folder / study / "report.html")

    def test_tab_reaches_every_control(self):
        for study in ("scaling", "plan"):
            self.assert_tab_reaches_every_control(self.folder / study / "report.html")


if __name__ == "__main__":
    unittest.main()
