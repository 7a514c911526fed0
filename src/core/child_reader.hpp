#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <sys/types.h>

namespace lockstep {

/// Where a function that runs in a child process puts what it gives.
class ChildOutput {
 public:
  ChildOutput(int descriptor, double seconds) : descriptor_(descriptor), seconds_(seconds) {}

  /// Hands `bytes` over; waits where the reader is behind. The child's time for the next begins anew.
  void write(std::span<const std::byte> bytes);
  template <typename Value>
  void write_value(const Value& value) {
    write(std::as_bytes(std::span(&value, 1)));
  }

 private:
  friend class ChildReader;
  enum class Kind : std::uint32_t { kBytes, kError, kEnd };

  /// What stands in front of each piece.
  struct Header {
    Kind kind;
    std::int32_t code;  // of an error
    std::uint64_t size;
  };

  static constexpr std::uint64_t kLargestPiece = std::uint64_t{1} << 20U;

  void put(Kind kind, int code, std::span<const std::byte> bytes) const;
  void renew_limit() const;

  int descriptor_;
  double seconds_;
};

/// A child has ended before it gave all that it was read for: "it ended by SIGSEGV".
class LostChild : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Runs a function in a child process, and reads what it gives, piece by piece: a library that crashes, or
/// that loops for ever, over a damaged file then takes no more than that child with it. The child has the
/// memory that this process had when it began, of which it may use all but threads and what other threads had
/// locked (memory is to be had), no open files, and no terminal. Signals that ask for an end do not reach it,
/// since it is this process that has to answer them; it ends with its reader, and with the thread that made
/// that, however those end. It leaves no core file, flushes no stream, and where memory runs out, the system
/// ends it first. Local.
class ChildReader {
 public:
  using Work = std::function<void(ChildOutput& output)>;

  /// The child may take `seconds` of processor time for each piece that it gives. Errors: the system gives no
  /// process.
  ChildReader(const Work& work, double seconds);
  /// Ends the child, whatever it does.
  ~ChildReader();
  ChildReader(const ChildReader&) = delete;
  ChildReader& operator=(const ChildReader&) = delete;

  /// Fills `target` with the next bytes. They are what a process gave that may be damaged: to be checked.
  /// Errors: what `work` has thrown, as an Error; LostChild.
  void read(std::span<std::byte> target);
  template <typename Value>
  Value read_value() {
    Value value{};
    read(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }

 private:
  [[noreturn]] static void serve(const Work& work, ChildOutput output) noexcept;
  void receive(std::span<std::byte> target);
  void begin_piece();
  int end();

  double seconds_;
  int descriptor_ = -1;
  pid_t child_ = -1;
  std::uint64_t rest_ = 0;  // of a piece, in bytes
};

}  // namespace lockstep
