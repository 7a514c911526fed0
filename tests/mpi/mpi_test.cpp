#include "mpi_test.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lockstep/comm/mpi.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep::test {

namespace {

Communicator* all_ranks = nullptr;

/// While a rank takes over the failure of another it has nothing of its own to say.
bool is_agreeing = false;

/// What ranks other than 0 print: their own failures, each with the rank in front.
class RankPrinter : public testing::EmptyTestEventListener {
 public:
  void OnTestStart(const testing::TestInfo& test) override {
    test_ = fmt::format("{}.{}", test.test_suite_name(), test.name());
  }
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed() || is_agreeing) return;
    fmt::print("[rank {}] {}: {}:{}: {}\n", world().rank(), test_,
               result.file_name() != nullptr ? result.file_name() : "", result.line_number(),
               result.message());
    std::fflush(stdout);
  }

 private:
  std::string test_;  // GoogleTest cannot be asked for it during a result: it holds its lock then
};

/// The exit code of this rank, before the ranks agree on one.
int run_tests() {
  if (world().rank() != 0) {
    testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new RankPrinter);  // GoogleTest owns it
  }
  const int result = RUN_ALL_TESTS();
  if (testing::UnitTest::GetInstance()->test_to_run_count() > 0) return result;
  if (world().rank() == 0) fmt::print(stderr, "no test was run; is the filter right?\n");
  return 1;
}

}  // namespace

Communicator& world() { return *all_ranks; }

void MpiTest::SetUp() { world().idle_barrier(std::numeric_limits<double>::infinity()); }

void MpiTest::TearDown() {
  const std::vector<char> failed = all_gather(world(), static_cast<char>(HasFailure()));
  std::vector<int> failed_ranks;
  for (int rank = 0; rank < world().size(); ++rank) {
    if (failed[static_cast<std::size_t>(rank)] != 0) failed_ranks.push_back(rank);
  }
  if (failed_ranks.empty()) return;
  is_agreeing = true;
  ADD_FAILURE() << fmt::format("failed on rank {} of {}", fmt::join(failed_ranks, ", "), world().size());
  is_agreeing = false;
}

void MpiTest::need_ranks(int ranks) {
  EXPECT_GE(world().size(), ranks) << "start this test with at least " << ranks << " ranks";
}

Caught catch_error(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {};
}

void expect_same_error(const Caught& mine, ExitCode code, const std::vector<std::string>& fragments) {
  EXPECT_TRUE(mine.code.has_value()) << "no error";
  EXPECT_EQ(static_cast<int>(mine.code.value_or(ExitCode::kSuccess)), static_cast<int>(code));
  for (const std::string& fragment : fragments) {
    EXPECT_NE(mine.message.find(fragment), std::string::npos)
        << "'" << mine.message << "' without '" << fragment << "'";
  }
  for (const std::string& other : all_gather_text(world(), mine.message)) EXPECT_EQ(other, mine.message);
}

std::byte pattern(int from, int to, std::size_t message, std::size_t position) {
  return static_cast<std::byte>(static_cast<std::size_t>(from) * 31 + static_cast<std::size_t>(to) * 7 +
                                message * 3 + position);
}

}  // namespace lockstep::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  lockstep::MpiSession session;
  lockstep::test::all_ranks = &session.world();
  lockstep::log::set_rank(session.world().rank());
  const std::vector<int> results = lockstep::all_gather(session.world(), lockstep::test::run_tests());
  return *std::max_element(results.begin(), results.end());
}
