#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "lockstep/comm/communicator.hpp"

namespace lockstep {

/// kLarge asks for the large pages of the processor, which a disk reads at less cost: writing 22 MB takes 0.4
/// ms of CPU time from them and 1.0 ms else. Where the system has none, it is as kUsual.
enum class Pages { kUsual, kLarge };

/// Memory that the ranks of one node see together. It has no name in any file system and ends with its last
/// user, however that ends.
class NodeMemory {
 public:
  /// `size` bytes, zero at first; `node` is a group of ranks of one node, and rank 0's `size` counts.
  /// Collective over `node`. Where the system lets processes share nothing, every rank gets a copy of its
  /// own: is_shared() is false then, and one warning of each node in a program names the
  /// host and the reason. Errors: not enough
  /// memory, or beyond a limit.
  NodeMemory(Communicator& node, std::size_t size, Pages pages = Pages::kUsual);
  ~NodeMemory();
  NodeMemory(const NodeMemory&) = delete;
  NodeMemory& operator=(const NodeMemory&) = delete;

  std::span<std::byte> bytes() const { return bytes_; }
  bool is_shared() const { return shared_; }

 private:
  void release();

  std::span<std::byte> mapped_;  // holds bytes_ at a place where its pages may begin
  std::span<std::byte> bytes_;
  bool shared_ = true;
};

}  // namespace lockstep
