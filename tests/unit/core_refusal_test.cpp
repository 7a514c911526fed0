#include <cerrno>
#include <csignal>
#include <filesystem>
#include <gmock/gmock.h>
#include <string>
#include <sys/resource.h>
#include <system_error>

#include <gtest/gtest.h>

#include "core/file.hpp"
#include "core/refusal.hpp"
#include "lockstep/core/error.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Lowers a limit of this process while it lives.
class Limit {
 public:
  Limit(__rlimit_resource_t resource, rlim_t value) : resource_(resource) {
    getrlimit(resource_, &before_);
    const rlimit lower{value, before_.rlim_max};
    setrlimit(resource_, &lower);
  }
  ~Limit() { setrlimit(resource_, &before_); }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

 private:
  __rlimit_resource_t resource_;
  rlimit before_{};
};

TEST(Because, TellsTheReasonAndWhatTheCallerAdvises) {
  EXPECT_EQ(because(ENOENT, "give another path"), "(No such file or directory); give another path");
}

TEST(Because, AdvisesWhatTheReasonAsksFor) {
  EXPECT_THAT(because(ENOSPC, "x"), HasSubstr("(No space left on device); free some space"));
  EXPECT_THAT(because(EACCES, "x"), HasSubstr("(Permission denied); check the permissions"));
  EXPECT_THAT(because(EROFS, "x"), HasSubstr("can only be read"));
  EXPECT_THAT(because(ENOMEM, "x"), HasSubstr("use a smaller network"));
  for (const int error : {EACCES, EMFILE, EFBIG, ENOSPC}) {
    EXPECT_THAT(because(error, "x"), Not(HasSubstr("smaller network"))) << error;
  }
}

TEST(Because, NamesTheLimit) {
  const Limit size(RLIMIT_FSIZE, 12345);
  const Limit files(RLIMIT_NOFILE, 77);
  EXPECT_THAT(because(EFBIG, "x"), HasSubstr("(ulimit -f), which is 12345 bytes"));
  EXPECT_THAT(because(EMFILE, "x"), HasSubstr("(ulimit -n), which is 77"));
}

TEST(Because, KnowsAFileSystemsOwnLimit) {
  EXPECT_THAT(because(EFBIG, "x"), HasSubstr("its file system takes no file of that size"));
}

TEST(WriteFile, BeyondTheLimitOfAFilesSizeNamesIt) {
  const test::TemporaryFolder folder;
  std::signal(SIGXFSZ, SIG_IGN);
  std::string message;
  {
    const Limit size(RLIMIT_FSIZE, 4096);
    try {
      write_file(folder.path() / "f", std::string(10000, 'x'));
    } catch (const Error& error) {
      message = error.what();
    }
  }
  std::signal(SIGXFSZ, SIG_DFL);
  EXPECT_THAT(message, HasSubstr("f: cannot be written (File too large); raise the limit"));
  EXPECT_THAT(message, HasSubstr("which is 4096 bytes"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(AsError, TakesTheSystemsRefusalForNoBug) {
  const Error thread =
      as_error(std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again)));
  EXPECT_EQ(thread.code(), ExitCode::kBadInput);
  EXPECT_THAT(thread.what(), HasSubstr("fewer ranks and threads"));
  const Error folder = as_error(std::filesystem::filesystem_error(
      "cannot create", "some/where", std::make_error_code(std::errc::read_only_file_system)));
  EXPECT_EQ(folder.code(), ExitCode::kBadInput);
  EXPECT_THAT(folder.what(), HasSubstr("some/where: refused by the system (Read-only file system)"));
}

TEST(AsError, TakesAnythingElseForABug) {
  EXPECT_EQ(as_error(std::runtime_error("x")).code(), ExitCode::kInternal);
}

}  // namespace
}  // namespace lockstep
