#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace lockstep {

/// The bytes of `file`. Errors: missing, unreadable.
std::vector<std::byte> read_file(const std::filesystem::path& file);

/// Whether `file` no longer names the open file `descriptor`: somebody has removed or moved it, or a folder
/// above it.
bool is_gone(const std::filesystem::path& file, int descriptor);

/// Writes all of `bytes` to an open file; false with errno set where the system refuses.
bool write_all(int descriptor, std::span<const std::byte> bytes);

/// Appends `text` to an open file, or nothing; false with errno set where the system refuses. With `synced`,
/// returns when the disk has it.
bool append_whole(int descriptor, std::string_view text, bool synced);
/// The same of `line` and its end.
bool append_line(int descriptor, std::string_view line, bool synced);

/// What begins at a multiple of this in memory and in the file, in bytes, is written without a copy.
inline constexpr std::size_t kFileBlock = 4096;

/// Writes `parts` one after another to `file`, whole or not at all: a temporary file beside it, synced, then
/// renamed, and the folder synced. Errors: a folder that can't be written, a full disk; nothing is left
/// behind.
void write_file(const std::filesystem::path& file, std::span<const std::span<const std::byte>> parts);
void write_file(const std::filesystem::path& file, std::string_view text);

}  // namespace lockstep
