#include "data/file_mapping.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/refusal.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

[[noreturn]] void fail_to_map(const std::filesystem::path& file) {
  fail_input("{}: cannot be mapped into memory {}", file.string(),
             because(errno, "copy it to a file system of this machine"));
}

}  // namespace

FileMapping::FileMapping(const FilePlace& place, std::size_t size, MappedFor use) {
  const bool writes = use == MappedFor::kWriting;
  const int descriptor = open(place.file.c_str(), (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC);
  if (descriptor < 0) fail_to_map(place.file);
  const std::size_t end = static_cast<std::size_t>(place.offset) + size;
  const auto held = lseek(descriptor, 0, SEEK_END);
  const int access = writes ? PROT_READ | PROT_WRITE : PROT_READ;
  void* const address =
      held < 0 ? MAP_FAILED : mmap(nullptr, end, access, MAP_SHARED | MAP_NORESERVE, descriptor, 0);
  const int error = errno;
  close(descriptor);
  errno = error;
  if (address == MAP_FAILED) fail_to_map(place.file);
  mapped_ = {static_cast<std::byte*>(address), end};
  if (static_cast<std::size_t>(held) < end) {
    munmap(mapped_.data(), mapped_.size());
    fail_input("{}: {} bytes, but {} a moment ago; leave it alone while it is used", place.file.string(),
               held, end);
  }
  bytes_ = mapped_.subspan(static_cast<std::size_t>(place.offset));
}

FileMapping::~FileMapping() { munmap(mapped_.data(), mapped_.size()); }

}  // namespace lockstep
