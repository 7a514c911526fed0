// Standard streams whose reader is slow, or gone.

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "core/output.hpp"

namespace lockstep {
namespace {

/// More than a pipe holds.
std::string long_text() {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i) + "\n";
  return text;
}

class OutputTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    reader_ = ends[0];
    stream_ = fdopen(ends[1], "w");
    std::signal(SIGPIPE, SIG_IGN);
  }
  void TearDown() override {
    std::fclose(stream_);
    if (reader_ >= 0) close(reader_);
    std::signal(SIGPIPE, SIG_DFL);
  }

  std::string read(std::size_t size) const {
    std::string text(size, '\0');
    std::size_t done = 0;
    while (done < size) {
      const ssize_t count = ::read(reader_, text.data() + done, size - done);
      if (count <= 0) break;
      done += static_cast<std::size_t>(count);
    }
    text.resize(done);
    return text;
  }

  std::FILE* stream_ = nullptr;
  int reader_ = -1;
};

TEST_F(OutputTest, KeepsWhatTheReaderDoesNotTakeYet) {
  const std::string text = long_text();
  Output output(stream_);
  output.offer(text);  // comes back, though nobody reads
  output.offer("the end\n");
  std::string found;
  std::thread reader([&] { found = read(text.size() + 8); });
  output.flush(-1);
  reader.join();
  EXPECT_TRUE(found == text + "the end\n");
  EXPECT_FALSE(output.keeps());
  EXPECT_EQ(output.error(), 0);
}

TEST_F(OutputTest, WaitsForASlowReaderOnlyAsLongAsItMay) {
  Output output(stream_);
  output.offer(long_text());
  output.flush(1);
  EXPECT_EQ(output.error(), 0);
  EXPECT_TRUE(output.keeps());
}

TEST_F(OutputTest, WritesAllAtOnceWhereItMayNotKeepIt) {
  const std::string text = long_text();
  Output output(stream_);
  std::string found;
  std::thread reader([&] { found = read(text.size()); });
  output.write(text);
  reader.join();
  EXPECT_TRUE(found == text);
}

// A pipe that is full, and does not wait, takes less than a piece.
TEST_F(OutputTest, OfADescriptorThatDoesNotWaitIsKeptToo) {
  ASSERT_EQ(fcntl(fileno(stream_), F_SETFL, O_NONBLOCK), 0);
  const std::string text = long_text();
  Output output(stream_);
  output.offer(text);
  output.flush(1);
  EXPECT_TRUE(output.keeps());
  std::string found;
  std::thread reader([&] { found = read(text.size()); });
  output.flush(-1);
  reader.join();
  EXPECT_TRUE(found == text);
}

TEST_F(OutputTest, ComesAfterWhatOthersHaveWritten) {
  std::fputs("first, ", stream_);
  Output output(stream_);
  output.write("second");
  EXPECT_EQ(read(13), "first, second");
}

TEST_F(OutputTest, IsWrittenWhereNoFileMayBeOpen) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);  // poll refuses
  Output output(stream_);
  output.offer("one, ");
  output.write("two");
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(output.error(), 0);
  EXPECT_EQ(read(8), "one, two");
}

TEST_F(OutputTest, IsLostWhereNobodyCanReadIt) {
  Output output(stream_);
  output.offer(long_text());
  close(reader_);
  reader_ = -1;
  output.flush(-1);
  EXPECT_EQ(output.error(), EPIPE);
}

}  // namespace
}  // namespace lockstep
