// Predictions in reports, and run directories that are damaged.

#include <string>
#include <vector>

#include "data_helpers.hpp"
#include "report/run_report.hpp"
#include "report_helpers.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using test::is_bad_input;
using test::Json;
using test::kEndLine;
using test::kStartLine;
using test::section;
using test::series;
using test::step_line;
using test::TemporaryFolder;
using test::write_run;

const std::string kMetrics = kStartLine + step_line(1, 1, "4") + kEndLine;
const std::string kMatrix = R"("part":"test","samples":7,"task":"classification","classes":["cat","dog"],)"
                            R"("confusion":[[3,1],[0,3]])";
const std::string kSample = R"("sample":5,"label":"cat","predicted":"dog","probability":0.125,"loss":2.0)";

fs::path write_run_with(const TemporaryFolder& folder, const std::string& predictions,
                        const std::string& name = "run") {
  fs::path run = write_run(folder, name, kMetrics);
  folder.write(name + "/predictions.json", predictions);
  return run;
}

TEST(RunReportPredictions, ConfusionMatrixAndWorstImages) {
  const TemporaryFolder folder;
  const Json document =
      describe_runs({write_run_with(folder, "{" + kMatrix + R"(,"worst":[{)" + kSample +
                                                R"(,"width":2,"height":2,"pixels":"AAEC/w=="}]})")});
  const Json matrix = section(document, "Confusion matrix");
  EXPECT_EQ(matrix.at("labels"), Json({"cat", "dog"}));
  EXPECT_EQ(matrix.at("values"), Json::parse("[[3,1],[0,3]]"));
  const Json images = section(document, "Worst-classified samples");
  ASSERT_EQ(images.at("items").size(), 1U);
  EXPECT_EQ(images["items"][0]["pixels"], "AAEC/w==");
  EXPECT_EQ(images["items"][0]["caption"], "cat, taken for dog: p = 0.12, loss 2, sample 5");
}

// Three of four cats are taken for cats, and nothing else is; one of the four taken for dogs is none.
TEST(RunReportPredictions, EachClassHasItsAccuracyPrecisionAndF1) {
  const TemporaryFolder folder;
  const Json table = section(describe_runs({write_run_with(folder, "{" + kMatrix + "}")}), "Each class");
  EXPECT_EQ(table.at("rows"), Json({{"cat", 4, 0.75, 1.0, 6.0 / 7}, {"dog", 3, 1.0, 0.75, 6.0 / 7}}));

  const std::string empty = R"({"part":"test","samples":1,"task":"classification","classes":["a","b"],)"
                            R"("confusion":[[1,0],[0,0]]})";
  const Json of_one = section(describe_runs({write_run_with(folder, empty, "one")}), "Each class");
  EXPECT_EQ(of_one.at("rows")[1], Json({"b", 0, nullptr, nullptr, nullptr}));
}

TEST(RunReportPredictions, ImagesAreGreyOrInColour) {
  const TemporaryFolder folder;
  const std::string before = "{" + kMatrix + R"(,"worst":[{)" + kSample;
  const Json grey = describe_runs(
      {write_run_with(folder, before + R"(,"width":2,"height":2,"pixels":"AAEC/w=="}]})", "grey")});
  EXPECT_EQ(section(grey, "Worst-classified samples")["items"][0]["channels"], 1);
  const Json colour = describe_runs({write_run_with(
      folder, before + R"(,"width":2,"height":1,"channels":3,"pixels":"AAECAwQF"}]})", "colour")});
  const Json item = section(colour, "Worst-classified samples")["items"][0];
  EXPECT_EQ(item["channels"], 3);
  EXPECT_EQ(item["pixels"], "AAECAwQF");
}

TEST(RunReportPredictions, WorstSamplesThatAreNoImagesAreATable) {
  const TemporaryFolder folder;
  const Json document =
      describe_runs({write_run_with(folder, "{" + kMatrix + R"(,"worst":[{)" + kSample + "}]}")});
  const Json worst = section(document, "Worst-classified samples");
  EXPECT_EQ(worst.at("type"), "table");
  EXPECT_EQ(worst.at("rows"), Json::parse(R"([[5,"cat","dog",0.125,2.0]])"));
}

TEST(RunReportPredictions, AnswersThatAreNotFiniteAreGapsAndNamed) {
  const TemporaryFolder folder;
  const Json regression = describe_runs({write_run_with(
      folder, R"({"part":"test","samples":3,"nonfinite":1,"nonfinite_samples":[1],"task":"regression",)"
              R"("targets":[2,3e38,5],"predictions":[2.5,null,4]})")});
  const Json chart = section(regression, "Predicted against target");
  EXPECT_EQ(chart.at("series")[0].at("y").dump(), "[2.5,null,4.0]");
  EXPECT_NE(chart.at("description").get<std::string>().find("1 of them are not finite (sample 1)"),
            std::string::npos)
      << chart.at("description");

  const std::string sample = R"("sample":5,"label":"cat","predicted":null,"probability":null,"loss":null)";
  const std::string predictions =
      "{" + kMatrix + R"(,"nonfinite":9,"nonfinite_samples":[5,6],"worst":[{)" + sample;
  const Json table = describe_runs({write_run_with(folder, predictions + "}]}", "table")});
  EXPECT_EQ(section(table, "Worst-classified samples").at("rows"),
            Json::parse(R"([[5,"cat","no class",null,null]])"));
  EXPECT_EQ(section(table, "Confusion matrix").at("description"),
            "7 test samples. Outputs or loss of 9 of them are not finite (samples 5, 6, …).");
  const Json images = describe_runs(
      {write_run_with(folder, predictions + R"(,"width":2,"height":2,"pixels":"AAEC/w=="}]})", "images")});
  EXPECT_EQ(section(images, "Worst-classified samples")["items"][0]["caption"],
            "cat, taken for no class: p = not finite, loss not finite, sample 5");
}

TEST(RunReportPredictions, RegressionIsPredictedAgainstTarget) {
  const TemporaryFolder folder;
  const Json document = describe_runs({write_run_with(
      folder,
      R"({"part":"test","samples":9,"task":"regression","targets":[2,-1,5],"predictions":[2.5,-1.5,4]})")});
  const Json samples = series(document, "Predicted against target", "samples");
  EXPECT_EQ(samples["x"], Json({2, -1, 5}));
  EXPECT_EQ(samples["y"], Json({2.5, -1.5, 4}));
  EXPECT_EQ(series(document, "Predicted against target", "exact")["x"], Json({-1, 5}));
}

TEST(RunReportPredictions, EachOfSeveralRunsHasItsOwn) {
  const TemporaryFolder folder;
  const Json document =
      describe_runs({write_run_with(folder, "{" + kMatrix + "}", "a"), write_run(folder, "none", kMetrics),
                     write_run_with(folder, "{" + kMatrix + R"(,"worst":[]})", "b")});
  EXPECT_FALSE(section(document, "Confusion matrix: a").is_null());
  EXPECT_FALSE(section(document, "Confusion matrix: b").is_null());
  EXPECT_TRUE(section(document, "Confusion matrix: none").is_null());
  EXPECT_TRUE(section(document, "Worst-classified samples: b").is_null());
}

TEST(RunReportErrors, DamagedPredictionsNameTheFile) {
  const TemporaryFolder folder;
  const std::string part = R"({"part":"test","samples":7,"task":)";
  for (const std::string& predictions : std::vector<std::string>{
           "", "{", "[]", "{}", R"({"task":"clustering"})",
           part + R"("classification","classes":["cat"],"confusion":[[3,1]]})",
           part + R"("classification","classes":["cat"],"confusion":[]})",
           part + R"("regression","targets":[1,2],"predictions":[1]})",
           part + R"("regression","targets":[],"predictions":[]})",
           fmt::format(R"({{{},"worst":[{{"sample":1}}]}})", kMatrix),
           fmt::format(R"({{{},"worst":3}})", kMatrix),
           fmt::format(R"({{{},"worst":[{{{},"width":2,"height":2,"pixels":"AAEC"}}]}})", kMatrix, kSample),
           fmt::format(R"({{{},"worst":[{{{},"width":2,"height":1,"channels":4,)"
                       R"("pixels":"AAECAwQF"}}]}})",
                       kMatrix, kSample),
           fmt::format(R"({{{},"worst":[{{{},"width":2,"height":1,"channels":3,)"
                       R"("pixels":"AAE="}}]}})",
                       kMatrix, kSample)}) {
    const fs::path run = write_run_with(folder, predictions);
    EXPECT_TRUE(is_bad_input([&] { describe_runs({run}); }, {"run/predictions.json: damaged"}))
        << predictions;
  }
}

TEST(RunReportPredictions, FiltersAreImages) {
  const TemporaryFolder folder;
  const fs::path run = write_run(folder, "run", kMetrics);
  folder.write("run/filters.json", R"({"tensor":"0.weight","filters":80,"pictures":[{"filter":7,"width":2,)"
                                   R"("height":2,"channels":1,"pixels":"AAEC/w=="}]})");
  const Json images = section(describe_runs({run}), "First filters");
  EXPECT_EQ(images.at("items")[0].at("caption"), "filter 7");
  EXPECT_EQ(
      images.at("description"),
      "1 of the 80 windows of 0.weight. Middle grey is 0, each window's largest weight black or white.");
  folder.write("run/filters.json", R"({"tensor":"0.weight"})");
  EXPECT_TRUE(is_bad_input([&] { describe_runs({run}); }, {"run/filters.json: damaged"}));
}

TEST(RunReportPredictions, AugmentedSamplesWithTheirEpochs) {
  const TemporaryFolder folder;
  const fs::path run = write_run(folder, "run", kMetrics);
  folder.write("run/augmented.json",
               R"({"augment":"flip","pictures":[{"sample":5,"epoch":1,"label":"cat","width":2,"height":2,)"
               R"("channels":1,"pixels":"AAEC/w=="},{"sample":5,"epoch":2,"width":2,"height":1,)"
               R"("channels":3,"pixels":"AAECAwQF"}]})");
  const Json images = section(describe_runs({run}), "Augmented training samples");
  EXPECT_NE(images.at("description").get<std::string>().find("flip"), std::string::npos);
  ASSERT_EQ(images.at("items").size(), 2U);
  EXPECT_EQ(images["items"][0]["caption"], "cat, sample 5, epoch 1");
  EXPECT_EQ(images["items"][1]["caption"], "sample 5, epoch 2");
  EXPECT_EQ(images["items"][1]["pixels"], "AAECAwQF");
  folder.write("run/augmented.json", R"({"augment":"flip"})");
  EXPECT_TRUE(is_bad_input([&] { describe_runs({run}); }, {"run/augmented.json: damaged"}));
}

TEST(RunReportErrors, DamagedMetricsNameTheLine) {
  const TemporaryFolder folder;
  const std::string before = kStartLine + step_line(1, 1, "4");
  for (const std::string damaged :
       {"{\"event\":\"step\",\"step\":3,\"epo\n", "\n", "garbage\n", "\xff\xfe\n", "[1,2]\n", "3\n",
        "{\"loss\":3}\n", "{\"event\":\"step\",\"step\":2}\n", "{\"event\":\"start\",\"libraries\":[3]}\n",
        "{\"event\":\"evaluation\",\"part\":3,\"epoch\":1,\"step\":2,\"samples\":3,\"loss\":1}\n"}) {
    for (const std::string& rest : {std::string(), step_line(2, 2, "3")}) {
      const fs::path run = write_run(folder, "run", fmt::format("{}{}{}", before, damaged, rest));
      EXPECT_TRUE(is_bad_input([&] { describe_runs({run}); }, {"run/metrics.jsonl:3: damaged"})) << damaged;
    }
  }
  const fs::path run = write_run(folder, "run", step_line(1, 1, "\"high\""));
  EXPECT_TRUE(is_bad_input([&] { describe_runs({run}); }, {"run/metrics.jsonl:1: damaged"}));
}

TEST(RunReportErrors, DamagedConfigurationNamesTheLine) {
  const TemporaryFolder folder;
  const fs::path run = write_run(folder, "run", kMetrics, "[train]\nseed\n");
  EXPECT_TRUE(is_bad_input([&] { describe_runs({run}); }, {"run/config.cfg:2: expected"}));
  fs::remove(run / "config.cfg");
  EXPECT_TRUE(is_bad_input([&] { describe_runs({run}); }, {"run/config.cfg: cannot be read"}));
}

TEST(RunReportErrors, WhatIsNoRunDirectoryIsNamed) {
  const TemporaryFolder folder;
  const fs::path run = write_run(folder, "run", kMetrics);
  const fs::path file = folder.write("file", "x");
  for (const fs::path& path : {folder.path(), folder.path() / "none", file, fs::path()}) {
    EXPECT_TRUE(is_bad_input([&] { describe_runs({run, path}); }, {path.string() + ": not a run directory"}));
  }
  EXPECT_TRUE(is_bad_input([&] { describe_runs({run, run / ".." / "run"}); }, {"the same run as"}));
  EXPECT_TRUE(is_bad_input([] { describe_runs({}); }, {"expected a run directory"}));
}

TEST(RunReportErrors, APageIsWrittenWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const fs::path run = write_run(folder, "run", kMetrics);
  write_run_report({run}, folder.path() / "page.html");
  EXPECT_GT(fs::file_size(folder.path() / "page.html"), 1000000U);
  EXPECT_TRUE(is_bad_input([&] { write_run_report({run}, folder.path() / "none" / "page.html"); },
                           {"none/page.html: cannot be written"}));
  folder.write("run/metrics.jsonl", "garbage\n");
  EXPECT_TRUE(is_bad_input([&] { write_run_report({run}, run / "report.html"); }, {"metrics.jsonl:1"}));
  EXPECT_FALSE(fs::exists(run / "report.html"));
}

}  // namespace
}  // namespace lockstep
