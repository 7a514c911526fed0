#include <string>

#include "report/run_csv.hpp"
#include "report_helpers.hpp"

namespace lockstep {
namespace {

using test::evaluation_line;
using test::kEndLine;
using test::kStartLine;
using test::step_line;
using test::TemporaryFolder;
using test::write_run;

const std::string kFirst = "run,epoch,step,seconds,learning_rate,training_loss";

std::string timed(int step, double epoch, const std::string& loss) {
  return step_line(step, epoch, loss, R"(,"seconds":{"forward":2,"backward":1})");
}

TEST(RunsCsv, HasARowForEveryEpochWithTheMeanOfItsSteps) {
  const TemporaryFolder folder;
  const auto run = write_run(
      folder, "run",
      kStartLine + timed(1, 0.5, "4") + timed(2, 1, "2") +
          evaluation_line("validation", 1, 2, R"("loss":0.5,"accuracy":0.25)") +
          evaluation_line("test", 1, 2, R"("loss":null)") + timed(3, 1.5, "1") + timed(4, 2, "0.5") +
          evaluation_line("validation", 2, 4, R"("weights":"average","loss":0.125)") + timed(5, 2.5, "9"));
  EXPECT_EQ(runs_csv({run}), kFirst +
                                 ",validation_loss,validation_accuracy,test_loss,validation_average_loss\n"
                                 "run,1,2,6,1,3,0.5,0.25,,\n"
                                 "run,2,4,12,2,0.75,,,,0.125\n");
}

TEST(RunsCsv, HasTheEndsOfEpochsOfARunWithoutEvaluations) {
  const TemporaryFolder folder;
  const auto run =
      write_run(folder, "run",
                kStartLine + step_line(1, 0.5, "1") + step_line(2, 1, "null", R"(,"skipped":true)") +
                    step_line(3, 1.5, "null", R"(,"skipped":true)") +
                    step_line(4, 2, "null", R"(,"skipped":true)") + kEndLine);
  EXPECT_EQ(runs_csv({run}), kFirst + "\nrun,1,2,0,1,1\nrun,2,4,0,2,\n");
}

TEST(RunsCsv, NamesTheRunsAndHasTheMeasuresOfAll) {
  const TemporaryFolder folder;
  const auto first =
      write_run(folder, "a, b",
                kStartLine + step_line(1, 1, "1") + evaluation_line("test", 1, 1, R"("loss":2,"r2":3)"));
  const auto second = write_run(
      folder, "c", kStartLine + step_line(1, 1, "1") + evaluation_line("test", 1, 1, R"("loss":4,"auc":5)"));
  EXPECT_EQ(runs_csv({first, second, write_run(folder, "begun", kStartLine)}),
            kFirst + ",test_loss,test_r2,test_auc\n\"a, b\",1,1,0,0.5,1,2,3,\nc,1,1,0,0.5,1,4,,5\n");
}

}  // namespace
}  // namespace lockstep
