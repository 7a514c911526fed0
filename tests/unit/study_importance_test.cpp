#include <limits>

#include <gtest/gtest.h>

#include "study/importance_results.hpp"
#include "study/numbers.hpp"

namespace lockstep {
namespace {

Importance example() {
  Importance importance{.part = "test",
                        .unpermuted = {.samples = 40, .loss = 0.5, .accuracy = 0.9},
                        .score = "accuracy",
                        .columns = {{.name = "none", .loss = {0, 0}, .score = {0, 0}},
                                    {.name = "b,c", .features = 3, .loss = {1, 3}, .score = {0.25, 0.75}},
                                    {.name = "also none", .loss = {0, 0}, .score = {0, 0}},
                                    {.name = "größe", .loss = {0.5, 0.5}, .score = {0, 0}}}};
  sort_by_importance(importance.columns);
  return importance;
}

TEST(ImportanceResults, AreSortedByTheRiseOfTheLoss) {
  // 1 and 3: the mean 2, the sample deviation √2; 0.25 and 0.75: 0.5 and √0.125.
  EXPECT_EQ(importance_csv(example()),
            "column,features,loss_rise,loss_rise_deviation,accuracy_fall,accuracy_fall_deviation\r\n"
            "\"b,c\",3,2.0,1.4142135623730951,0.5,0.3535533905932738\r\n"
            "größe,1,0.5,0.0,0.0,0.0\r\n"
            "none,1,0.0,0.0,0.0,0.0\r\n"
            "also none,1,0.0,0.0,0.0,0.0\r\n");
  std::vector<ColumnImportance> columns = {{.name = "a", .loss = {5}}, {.name = "b", .loss = {kNothing}}};
  sort_by_importance(columns);
  EXPECT_EQ(columns.front().name, "b") << "with it permuted the loss is not finite";
}

TEST(ImportanceResults, StandInAlignedLines) {
  const std::vector<std::string> expected = {
      "column  rise of the loss  fall of the accuracy", "b,c              2 ± 1.4            0.5 ± 0.35",
      "größe            0.5 ± 0                 0 ± 0", "… and 2 more, in table.csv"};
  EXPECT_EQ(importance_lines(example(), 2), expected);
}

TEST(ImportanceResults, AreToldInSentences) {
  const std::vector<std::string> expected = {
      "Nothing permuted: loss 0.5 and accuracy 0.9 of 40 test samples.",
      "'b,c' matters most: permuted, the loss rises by 2 ± 1.4.",
      "Permuting 2 of 4 columns alone does not make the loss rise."};
  EXPECT_EQ(importance_findings(example()), expected);
}

}  // namespace
}  // namespace lockstep
