// Whatever is wrong: one line that tells, exit code 2, at once, and nothing left behind.

#include <gtest/gtest.h>

#include "bad_input_cases.hpp"

namespace lockstep::test {
namespace {

class BadInputTest : public testing::TestWithParam<BadInput> {};

TEST_P(BadInputTest, IsOneLineAndExitCodeTwo) {
  constexpr double kSeconds = 10;
  const BadInput& bad = GetParam();
  const TemporaryFolder folder;
  if (bad.prepare) bad.prepare(folder);
  const std::vector<std::string> before = listing(folder);
  for (const int ranks : bad.ranks) {
    SCOPED_TRACE(std::to_string(ranks) + " ranks");
    const Outcome outcome = run_lockstep(ranks, bad.words, folder, kSeconds);
    expect_one_line(outcome, 2, bad.fragment);
    // The library's options have become keys.
    EXPECT_EQ(outcome.err.find('`') != std::string::npos, bad.fragment.find('`') != std::string::npos);
    EXPECT_EQ(listing(folder), before);
  }
}

std::string name_of(const testing::TestParamInfo<BadInput>& test) { return test.param.name; }

INSTANTIATE_TEST_SUITE_P(Usage, BadInputTest, testing::ValuesIn(bad_usage()), name_of);
INSTANTIATE_TEST_SUITE_P(Idx, BadInputTest, testing::ValuesIn(bad_idx_files()), name_of);
INSTANTIATE_TEST_SUITE_P(Cifar, BadInputTest, testing::ValuesIn(bad_cifar_files()), name_of);
INSTANTIATE_TEST_SUITE_P(PicturesAndArrays, BadInputTest, testing::ValuesIn(bad_pictures_and_arrays()),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Csv, BadInputTest, testing::ValuesIn(bad_csv_files()), name_of);
INSTANTIATE_TEST_SUITE_P(GroupsAndWeights, BadInputTest, testing::ValuesIn(bad_groups_and_weights()),
                         name_of);
INSTANTIATE_TEST_SUITE_P(WeightsAndFolders, BadInputTest, testing::ValuesIn(bad_weights_and_folders()),
                         name_of);
INSTANTIATE_TEST_SUITE_P(BatchSizes, BadInputTest, testing::ValuesIn(bad_batch_sizes()), name_of);
INSTANTIATE_TEST_SUITE_P(Sweeps, BadInputTest, testing::ValuesIn(bad_sweeps()), name_of);
INSTANTIATE_TEST_SUITE_P(Scaling, BadInputTest, testing::ValuesIn(bad_scaling()), name_of);
INSTANTIATE_TEST_SUITE_P(Studies, BadInputTest, testing::ValuesIn(bad_studies()), name_of);

}  // namespace
}  // namespace lockstep::test
