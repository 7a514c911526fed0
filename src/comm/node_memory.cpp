#include "lockstep/comm/node_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <linux/mman.h>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20U;

/// What the owner tells the others: which descriptor of which process holds the memory, and how to know it
/// again.
struct Handle {
  std::uint64_t size;
  pid_t process;
  int descriptor;
  int error;  // errno of the owner's failure, else 0
  dev_t device;
  ino_t inode;
};

Handle allocate(std::size_t size) {
  Handle handle{.size = size, .process = getpid(), .descriptor = -1, .error = 0, .device = 0, .inode = 0};
  handle.descriptor = memfd_create("lockstep", MFD_CLOEXEC);
  struct stat status {};
  if (handle.descriptor < 0 || fstat(handle.descriptor, &status) != 0) {
    handle.error = errno;
    return handle;
  }
  handle.device = status.st_dev;
  handle.inode = status.st_ino;
  // Reserving the pages now turns a lack of memory into an error here, not a signal later.
  if (size > 0) handle.error = posix_fallocate(handle.descriptor, 0, static_cast<off_t>(size));
  return handle;
}

/// The owner's memory, or -1 where this process cannot reach it. Process numbers of another container may
/// lead to another file.
int open_memory(const Handle& handle) {
  const std::string path =
      "/proc/" + std::to_string(handle.process) + "/fd/" + std::to_string(handle.descriptor);
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct stat status {};
  if (descriptor < 0) return -1;
  if (fstat(descriptor, &status) == 0 && status.st_dev == handle.device && status.st_ino == handle.inode) {
    return descriptor;
  }
  close(descriptor);
  return -1;
}

/// Room for `size` bytes from a multiple of `alignment` on, without memory as yet; empty with errno set
/// where there is none.
std::span<std::byte> reserve(std::size_t size, std::size_t alignment) {
  const std::size_t room = size + alignment;
  void* const address = mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) return {};
  return {static_cast<std::byte*>(address), room};
}

/// Puts memory of the file, or of nobody else for descriptor -1, into the room; empty with errno set where
/// that fails.
std::span<std::byte> fill(std::span<std::byte> room, int descriptor, std::size_t size,
                          std::size_t alignment) {
  void* place = room.data();
  std::size_t left = room.size();
  std::align(alignment, size, place, left);
  const int flags = descriptor < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* const address = mmap(place, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, descriptor, 0);
  if (address == MAP_FAILED) return {};
  return {static_cast<std::byte*>(address), size};
}

/// Puts large pages in the place of small ones, as far as the system has them. Unlike MADV_HUGEPAGE this
/// needs no leave of its settings, which rarely give it for memory that processes share.
void enlarge_pages([[maybe_unused]] std::span<std::byte> bytes) {
#ifdef MADV_COLLAPSE  // Linux 6.1
  madvise(bytes.data(), bytes.size() / kLargePage * kLargePage, MADV_COLLAPSE);
#endif
}

}  // namespace

NodeMemory::NodeMemory(Communicator& node, std::size_t size, Pages pages) {
  Handle handle{};
  if (node.rank() == 0) handle = allocate(size);
  node.broadcast(std::as_writable_bytes(std::span(&handle, 1)), 0);

  // Each rank goes through all that may fail, then all decide alike.
  const int descriptor = node.rank() == 0 ? handle.descriptor : open_memory(handle);
  const std::vector<int> opened = lockstep::all_gather(node, descriptor);
  shared_ = std::all_of(opened.begin(), opened.end(), [](int d) { return d >= 0; });
  int error = handle.error;
  if (error == 0 && handle.size > 0) {
    const std::size_t alignment = pages == Pages::kLarge ? kLargePage : 1;
    mapped_ = reserve(handle.size, alignment);
    if (!mapped_.empty()) bytes_ = fill(mapped_, shared_ ? descriptor : -1, handle.size, alignment);
    if (bytes_.empty()) error = errno;
    // While nobody else uses them: the others wait below.
    if (pages == Pages::kLarge && (node.rank() == 0 || !shared_)) enlarge_pages(bytes_);
  }
  if (descriptor >= 0) close(descriptor);

  const std::vector<int> errors = lockstep::all_gather(node, error);
  const auto failed = std::find_if(errors.begin(), errors.end(), [](int e) { return e != 0; });
  if (failed == errors.end()) return;
  release();
  fail_input(
      "{} bytes of memory for the ranks of a node could not be had ({}); use a smaller network, fewer ranks "
      "or "
      "less data",
      handle.size, std::strerror(*failed));
}

NodeMemory::~NodeMemory() { release(); }

void NodeMemory::release() {
  if (!mapped_.empty()) munmap(mapped_.data(), mapped_.size());
  mapped_ = {};
  bytes_ = {};
}

}  // namespace lockstep
