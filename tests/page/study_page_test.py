"""Pages of studies in headless Chromium: they show what metrics.jsonl holds."""

import csv
import json
import statistics
import unittest

from selenium.webdriver.common.by import By

from browser import BrowserTest

VARIANTS = ["no decay", "λ = 0.5"]
SEEDS = 3
LOSSES = {"training": "training_loss", "test": "test_loss"}


def gap(line):
    return line["test_loss"] - line["training_loss"]


class StudyPageTest(BrowserTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lockstep("study", "weight-decay", "--run.dir", "decay", "--decay", "0,0.5", "--seeds", str(SEEDS),
                     "--evaluations", "4", "--data.source", "linear", "--data.samples", "64", "--model.layers",
                     "linear 1", "--train.batch-size", "16", "--train.epochs", "4")
        cls.lockstep("study", "batch-size", "--run.dir", "batches", "--data.source", "blobs", "--data.samples", "300",
                     "--data.features", "6", "--data.classes", "3", "--model.layers", "linear 8, relu, linear 3",
                     "--train.epochs", "100", "--optimizer.learning-rate", "0.02", "--batch-sizes", "4:64:x4",
                     "--target", "loss=0.35", "--seeds", str(SEEDS))
        table = "".join(f"{i % 7},{'rgb'[i % 3]},{i % 2},{2 * (i % 7) + 5 * (i % 3)}\n" for i in range(210))
        (cls.folder / "table.csv").write_text("size,colour,even,price\n" + table)
        cls.lockstep("train", "--run.dir", "prices", "--data.source", "table.csv", "--data.task", "regression",
                     "--data.validation", "0.2", "--model.layers", "linear 1", "--train.epochs", "20")
        cls.lockstep("study", "importance", "--run.dir", "importance", "--weights", "prices")
        cls.lockstep("study", "surfaces", "--run.dir", "surfaces", "--train.steps", "30")

    def metrics(self, study, event):
        lines = (self.folder / study / "metrics.jsonl").read_text().splitlines()
        return [line for line in map(json.loads, lines) if line["event"] == event]

    def over_seeds(self, variant, value):
        """Epochs of one variant, and `value` of its measurements: a list over the seeds for each epoch."""
        values = {}
        for line in self.metrics("decay", "measurement"):
            if line["variant"] == variant:
                values.setdefault(line["epoch"], []).append(value(line))
        return list(values), list(values.values())

    def assert_all_close(self, found, expected):
        self.assertEqual(len(found), len(expected))
        for a, b in zip(found, expected):
            self.assertAlmostEqual(a, b, delta=1e-12 * (1 + abs(b)))

    def assert_drawn(self):
        charts = self.charts()
        self.assertTrue(charts)
        for title, chart in charts.items():
            self.assertGreater(chart["drawn"], 0, title)

    def test_curves_are_means_over_the_seeds_within_their_band(self):
        self.open(self.folder / "decay" / "report.html")
        self.assert_drawn()
        lines = {"Loss": {f"{variant}: {name}": (variant, lambda line, key=key: line[key])
                          for variant in VARIANTS for name, key in LOSSES.items()},
                 "Gap of test to training loss": {variant: (variant, gap) for variant in VARIANTS},
                 "Norm of the weights": {variant: (variant, lambda line: line["weight_norm"]) for variant in VARIANTS}}
        for title, expected in lines.items():
            traces = self.charts()[title]["traces"]
            bands, means = traces[0::2], traces[1::2]
            self.assertEqual([trace["name"] for trace in means], list(expected), title)
            for band, mean in zip(bands, means):
                epochs, values = self.over_seeds(*expected[mean["name"]])
                self.assertEqual([len(one) for one in values], [SEEDS] * 5)
                self.assertEqual(mean["x"], epochs)
                self.assert_all_close(mean["y"], [statistics.fmean(one) for one in values])
                self.assertEqual(band["x"], epochs + epochs[::-1])
                self.assert_all_close(band["y"], [max(one) for one in values] + [min(one) for one in values[::-1]])

    def test_results_are_those_at_the_end(self):
        self.open(self.folder / "decay" / "report.html")
        rows = [[cell.text for cell in row.find_elements(By.XPATH, "*")]
                for row in self.browser.find_elements(By.XPATH, "//section[.//h2='Results']//tbody/tr")]
        self.assertEqual([row[:2] for row in rows], [[variant, str(SEEDS)] for variant in VARIANTS])
        for row in rows:
            ends = [self.over_seeds(row[0], value)[1][-1] for value in (
                lambda line: line["training_loss"], lambda line: line["test_loss"], gap,
                lambda line: line["weight_norm"])]
            expected = [part for end in ends for part in (statistics.fmean(end), statistics.stdev(end))]
            for cell, number in zip(row[2:], expected, strict=True):
                self.assertAlmostEqual(float(cell), number, delta=1e-4 * abs(number))

    def test_the_legend_hides_a_line_with_its_band(self):
        self.open(self.folder / "decay" / "report.html")
        self.find("//section[.//h2='Loss']//button[.='λ = 0.5: test']").click()
        self.wait(lambda: [trace["visible"] for trace in self.charts()["Loss"]["traces"]] == [True] * 6 + [False] * 2)

    def test_paths_go_over_contour_lines(self):
        self.open(self.folder / "surfaces" / "report.html")
        self.assert_drawn()
        paths = {}
        for line in self.metrics("surfaces", "path"):
            name = f"{line['optimizer']} ({line['learning_rate']:.2g})"
            paths.setdefault(line["surface"], {}).setdefault(name, []).append(line)
        self.assertEqual(list(paths), ["quadratic", "rosenbrock", "beale", "saddle"])
        charts = self.charts()
        for surface, expected in paths.items():
            contour, *traces = charts[surface]["traces"]
            self.assertEqual(contour["type"], "contour")
            self.assertEqual([trace["name"] for trace in traces], list(expected))
            heights = charts[f"{surface}: height above the minimum"]["traces"]
            for trace, height in zip(traces, heights, strict=True):
                lines = expected[trace["name"]]
                self.assertEqual(len(lines), 31)
                self.assertEqual(trace["x"], [line["x"] for line in lines])
                self.assertEqual(trace["y"], [line["y"] for line in lines])
                minimum = -0.25 if surface == "saddle" else 0
                self.assertEqual(height["name"], trace["name"])
                self.assertEqual(height["x"], list(range(31)))
                self.assert_all_close(height["y"], [line["value"] - minimum for line in lines])
        drawn = self.browser.find_elements(By.CSS_SELECTOR, ".plot .contourlevel path")
        self.assertGreater(len(drawn), 4 * 10)

    def bars(self, title):
        return [[*(part.text for part in item.find_elements(By.TAG_NAME, "span")),
                 *((box["left"], box["right"]) for box in (self.script(
                     "return arguments[0].querySelector(arguments[1])?.getBoundingClientRect()", item, part)
                     for part in (".bar", ".spread")))]
                for item in self.browser.find_elements(By.XPATH, f"//section[.//h2='{title}']//li")]

    def test_importances_are_bars_with_their_spread(self):
        self.open(self.folder / "importance" / "report.html")
        for title, key in (("Importance of the columns", "loss_rises"), ("Importance by the R²", "r2_falls")):
            columns = self.metrics("importance", "column")
            bars = self.bars(title)
            self.assertEqual([bar[0] for bar in bars], [column["column"] for column in columns])
            self.assertEqual({bar[0] for bar in bars}, {"colour", "size", "even"})
            _, _, (zero, end), _ = bars[0]
            pixels = (end - zero) / statistics.fmean(columns[0][key])
            for (_, text, bar, spread), column in zip(bars, columns):
                mean, deviation = statistics.fmean(column[key]), statistics.stdev(column[key])
                shown = [float(part) for part in text.split(" ± ")]
                self.assertAlmostEqual(shown[0], mean, delta=1e-3 * abs(mean))
                self.assertAlmostEqual(shown[1], deviation, delta=0.05 * deviation)
                self.assertAlmostEqual(bar[1] - bar[0], abs(mean) * pixels, delta=1.5)
                self.assertAlmostEqual(spread[0], zero + (mean - deviation) * pixels, delta=1.5)
                self.assertAlmostEqual(spread[1], zero + (mean + deviation) * pixels, delta=1.5)

    def test_the_page_of_importances_is_readable(self):
        self.size(390)
        for scheme in ("light", "dark"):
            self.prefer(scheme)
            self.open(self.folder / "importance" / "report.html")
            self.assert_readable(390)

    def chosen_runs(self):
        """The trainings at the best rate of each batch size."""
        rates = {line["batch_size"]: line["learning_rate"] for line in self.metrics("batches", "batch")}
        return [line for line in self.metrics("batches", "run") if line["learning_rate"] == rates[line["batch_size"]]]

    def fit(self, of):
        return next(line for line in self.metrics("batches", "fit") if line["of"] == of)

    def test_batch_sizes_are_drawn_with_their_fits(self):
        self.open(self.folder / "batches" / "report.html")
        self.assert_drawn()
        for title, key in (("Steps against the batch", "steps"), ("Samples against the batch", "samples")):
            traces = self.traces(title)
            runs = self.chosen_runs()
            self.assertEqual(traces["trainings"]["x"], [run["batch_size"] for run in runs])
            self.assertEqual(traces["trainings"]["y"], [run[key] for run in runs])
            batches = self.metrics("batches", "batch")
            self.assertEqual(traces["median"]["y"], [batch[key]["median"] for batch in batches])
            fit = self.fit(key)
            least, critical = fit["least"]["value"], fit["critical_batch"]["value"]
            expected = [least * (1 + (critical / x if key == "steps" else x / critical)) for x in traces["fit"]["x"]]
            self.assertEqual((traces["fit"]["x"][0], round(traces["fit"]["x"][-1], 9)), (4, 64))
            for found, value in zip(traces["fit"]["y"], expected, strict=True):
                self.assertAlmostEqual(found, value, delta=1e-6 * value)
            axes = self.script("return [...document.querySelectorAll('.card-chart')].find((card) => "
                               "card.querySelector('h2').textContent === arguments[0]).querySelector('.plot').layout",
                               title)
            self.assertEqual([axes["xaxis"]["type"], axes["yaxis"]["type"]], ["log", "log"])
        rates = self.traces("Learning rates")["best"]
        self.assertEqual(rates["y"], [line["learning_rate"] for line in self.metrics("batches", "batch")])

    def test_every_training_is_listed_with_its_command(self):
        self.open(self.folder / "batches" / "report.html")
        rows = self.script("return [...document.querySelectorAll('section')].find((section) => "
                           "section.querySelector('h2').textContent === 'Trainings').querySelectorAll('tbody tr').length")
        runs = self.metrics("batches", "run")
        self.assertEqual(rows, len(runs))
        commands = self.script("return [...document.querySelectorAll('td')].map((cell) => cell.textContent).filter("
                               "(text) => text.startsWith('lockstep train'))")
        self.assertEqual(sorted(commands), sorted(
            "lockstep train --config batches/config.cfg "
            + " ".join(f"--{key} {value}" for key, value in run["settings"].items())
            + f" --train.steps {run['steps_done']}" for run in runs))

    def test_every_chart_gives_its_data(self):
        self.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.folder))
        for study in ("batches", "decay", "surfaces"):
            self.open(self.folder / study / "report.html")
            for card in self.browser.find_elements(By.CSS_SELECTOR, ".card-chart"):
                self.assertTrue(card.find_elements(By.XPATH, ".//button[.='Download data (CSV)']"))
        self.open(self.folder / "batches" / "report.html")
        self.from_menu("Steps against the batch", "button[.='Download data (CSV)']").click()
        file = self.folder / "steps-against-the-batch.csv"
        self.wait(file.exists)
        names, *rows = list(csv.reader(file.read_text().splitlines()))
        self.assertEqual(names, ["series", "batch size", "steps to the target", "low", "high"])
        trainings = [row for row in rows if row[0] == "trainings"]
        self.assertEqual([float(row[2]) for row in trainings], [run["steps"] for run in self.chosen_runs()])
        band = [row for row in rows if row[0] == "fit"]
        self.assertEqual(len(band), len(self.traces("Steps against the batch")["fit"]["x"]))
        for row in band:
            low, high = (float(bound or edge) for bound, edge in zip(row[3:], ("0", "inf")))
            self.assertTrue(low <= float(row[2]) <= high, row)

    def test_the_page_is_small(self):
        self.open(self.folder / "batches" / "report.html")
        self.assertLess((self.folder / "batches" / "report.html").stat().st_size, 3e6)

    def test_nothing_overflows_a_narrow_screen(self):
        self.size(360)
        for study in ("decay", "surfaces", "batches", "importance"):
            self.open(self.folder / study / "report.html")
            self.assertLessEqual(self.script("return document.documentElement.scrollWidth"), 360)

    def test_every_page_is_readable_on_a_phone_and_in_the_dark(self):
        for study in ("decay", "surfaces", "batches"):
            self.assert_readable_on_a_phone_and_in_the_dark(self.folder / study / "report.html")

    def test_tab_reaches_every_control(self):
        for study in ("decay", "surfaces", "batches"):
            self.assert_tab_reaches_every_control(self.folder / study / "report.html")


if __name__ == "__main__":
    unittest.main()
