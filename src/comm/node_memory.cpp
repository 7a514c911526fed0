#include "lockstep/comm/node_memory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <linux/mman.h>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "core/machine.hpp"
#include "core/refusal.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20U;

/// What the owner tells the others: which descriptor of which process holds the memory, and how to know it
/// again.
struct Handle {
  std::uint64_t size = 0;
  pid_t process = 0;
  int descriptor = -1;
  int refused = 0;  // errno where the owner can share no memory at all
  int error = 0;    // errno where it can, but not so much
  dev_t device = 0;
  ino_t inode = 0;
};

/// Lets no file be executed from it, which some systems want (vm.memfd_noexec) and older ones do not know.
int make_file() {
  constexpr unsigned kNoExecSeal = 8;  // MFD_NOEXEC_SEAL of Linux 6.3, which not every C library names
  const int descriptor = memfd_create("lockstep", MFD_CLOEXEC | kNoExecSeal);
  if (descriptor >= 0 || errno != EINVAL) return descriptor;
  return memfd_create("lockstep", MFD_CLOEXEC);
}

/// Reserves the pages now, which turns a lack of memory into an error here, not a signal later; errno or 0.
int reserve_pages(int descriptor, std::size_t size) {
  int error = EINTR;
  while (error == EINTR) error = posix_fallocate(descriptor, 0, static_cast<off_t>(size));
  return error;
}

Handle allocate(std::size_t size) {
  Handle handle{.size = size, .process = getpid(), .descriptor = make_file()};
  struct stat status {};
  if (handle.descriptor < 0 || fstat(handle.descriptor, &status) != 0) {
    handle.refused = errno;
    return handle;
  }
  handle.device = status.st_dev;
  handle.inode = status.st_ino;
  const int error = size > 0 ? reserve_pages(handle.descriptor, size) : 0;
  const bool lacks_room = error == ENOMEM || error == ENOSPC || error == EFBIG || error == EINVAL;
  (lacks_room ? handle.error : handle.refused) = error;
  return handle;
}

std::string path_of(const Handle& handle) {
  return "/proc/" + std::to_string(handle.process) + "/fd/" + std::to_string(handle.descriptor);
}

/// The owner's memory, or -1 with errno set where this process cannot reach it. Process numbers of another
/// container may lead to another file.
int open_memory(const Handle& handle) {
  const int descriptor = open(path_of(handle).c_str(), O_RDWR | O_CLOEXEC);
  struct stat status {};
  if (descriptor < 0) return -1;
  if (fstat(descriptor, &status) == 0 && status.st_dev == handle.device && status.st_ino == handle.inode) {
    return descriptor;
  }
  close(descriptor);
  errno = ESRCH;
  return -1;
}

/// Once in a program, by the first rank of the node. Every rank of it calls this.
void warn_of_refusal(const Communicator& node, const std::string& what, int error) {
  static bool warned = false;
  if (std::exchange(warned, true) || node.rank() != 0) return;
  log::warn_here(fmt::format(
      "lockstep: {}: the ranks of this node cannot share memory: {} is refused ({}); each has its "
      "own, and messages take its place (the same bits, but slower)",
      host_name(), what, std::generic_category().message(error)));
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

/// Puts large pages in the place of small ones, as far as the system has them. Unlike MADV_HUGEPAGE alone
/// this needs no leave of its settings, which rarely give it for memory that processes share.
void enlarge_pages([[maybe_unused]] std::span<std::byte> bytes) {
#ifdef MADV_COLLAPSE  // Linux 6.1
  const std::size_t size = bytes.size() / kLargePage * kLargePage;
  madvise(bytes.data(), size, MADV_HUGEPAGE);
  madvise(bytes.data(), size, MADV_POPULATE_WRITE);  // what is not there yet can't be collapsed
  madvise(bytes.data(), size, MADV_COLLAPSE);
#endif
}

}  // namespace

NodeMemory::NodeMemory(Communicator& node, std::size_t size, Pages pages) {
  Handle handle{.size = size};
  int descriptor = -1;
  if (node.size() > 1) {
    if (node.rank() == 0) handle = allocate(size);
    node.broadcast(std::as_writable_bytes(std::span(&handle, 1)), 0);

    // Each rank goes through all that may fail, then all decide alike.
    int refused = handle.refused;
    if (node.rank() == 0) {
      descriptor = handle.descriptor;
    } else if (refused == 0) {
      descriptor = open_memory(handle);
      if (descriptor < 0) refused = errno;
    }
    const std::vector<int> refusals = lockstep::all_gather(node, refused);
    const auto first = std::find_if(refusals.begin(), refusals.end(), [](int e) { return e != 0; });
    shared_ = first == refusals.end();
    if (!shared_) {
      const bool by_owner = first == refusals.begin();
      warn_of_refusal(node, by_owner ? "a file in memory (memfd_create)" : path_of(handle), *first);
    }
  }
  int error = handle.error;
  if (error == 0 && handle.size > 0) {
    const std::size_t alignment = pages == Pages::kLarge ? kLargePage : 1;
    mapped_ = reserve(handle.size, alignment);
    if (!mapped_.empty()) bytes_ = fill(mapped_, shared_ ? descriptor : -1, handle.size, alignment);
    if (bytes_.empty()) error = errno;
    // While nobody else uses them: the others wait below.
    if (error == 0 && pages == Pages::kLarge && (node.rank() == 0 || !shared_)) enlarge_pages(bytes_);
  }
  if (descriptor >= 0) close(descriptor);

  const std::vector<int> errors = lockstep::all_gather(node, error);
  const auto failed = std::find_if(errors.begin(), errors.end(), [](int e) { return e != 0; });
  if (failed == errors.end()) return;
  release();
  fail_input("{} bytes of memory for the ranks of a node could not be had {}", handle.size,
             because(*failed, "use a smaller network, fewer ranks or less data"));
}

NodeMemory::~NodeMemory() { release(); }

void NodeMemory::release() {
  if (!mapped_.empty()) munmap(mapped_.data(), mapped_.size());
  mapped_ = {};
  bytes_ = {};
}

}  // namespace lockstep
