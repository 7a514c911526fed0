#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/value_store.hpp"
#include "lockstep/core/index.hpp"

namespace lockstep {

/// A label of a record: what to call it, and how many classes it tells apart.
struct CifarLabel {
  std::string name;
  Index classes;
};

/// How a record of a set begins: a byte for each label, of which the last is a sample's class. The picture
/// follows: its red, green and blue values, 32 x 32 each, row by row.
struct CifarForm {
  std::string set;
  std::vector<CifarLabel> labels;
};

CifarForm cifar_10();
CifarForm cifar_100();

/// Pictures are kCifarSide x kCifarSide values in kCifarChannels channels.
inline constexpr Index kCifarSide = 32;
inline constexpr Index kCifarChannels = 3;

/// Appends the pictures of a file, plain or gzip, to `pictures`, with their channels last, and their classes
/// to `labels`. Memory follows what has been read. Errors: see read_cifar.
void read_cifar_file(const std::filesystem::path& file, const CifarForm& form,
                     ValueStore<std::uint8_t>& pictures, std::vector<std::int32_t>& labels);

}  // namespace lockstep
