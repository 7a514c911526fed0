#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep::test {

/// All ranks of the program.
Communicator& world();

/// A test that all ranks run together. Between collectives use EXPECT: a rank that leaves the body early
/// keeps the others waiting. Fewer ranks than a test needs is a failure: CMake starts it with enough.
class MpiTest : public testing::Test {
 protected:
  void SetUp() override;
  /// Makes a failure of one rank everybody's. Collective.
  void TearDown() override;

  void need_ranks(int ranks);
};

/// The Error that `action` throws, if any.
struct Caught {
  std::optional<ExitCode> code;
  std::string message;
};
Caught catch_error(const std::function<void()>& action);

/// Expects that every rank caught the same Error with `code`, and that its message holds each of `fragments`.
/// Collective.
void expect_same_error(const Caught& mine, ExitCode code, const std::vector<std::string>& fragments);

/// A byte that tells what stands where: a pure function of its arguments.
std::byte pattern(int from, int to, std::size_t message, std::size_t position);

}  // namespace lockstep::test
