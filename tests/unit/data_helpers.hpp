#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lockstep/core/error.hpp"

namespace lockstep::test {

/// Whether `action` ends in an error for the person: exit code 2, one line, with all `fragments` in it.
inline testing::AssertionResult is_bad_input(const std::function<void()>& action,
                                             const std::vector<std::string>& fragments) {
  try {
    action();
  } catch (const Error& error) {
    const std::string message = error.what();
    if (error.code() != ExitCode::kBadInput) return testing::AssertionFailure() << "other code: " << message;
    if (message.find('\n') != std::string::npos) return testing::AssertionFailure() << "lines: " << message;
    for (const std::string& fragment : fragments) {
      if (message.find(fragment) == std::string::npos) {
        return testing::AssertionFailure() << "no '" << fragment << "' in: " << message;
      }
    }
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "no error";
}

}  // namespace lockstep::test
