#include "lockstep/data/cifar.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/file.hpp"
#include "core/text.hpp"
#include "data/cifar_file.hpp"
#include "data/folder.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/log.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

const std::string kBatch = "data_batch_";
constexpr Index kPublishedBatches = 5;

std::string batch_name(Index number) { return kBatch + std::to_string(number) + ".bin"; }

/// How the file of that name is called in the folder, plain before gzip.
std::optional<std::string> find(const std::vector<std::string>& files, const std::string& name) {
  for (const std::string& file : {name, name + ".gz"}) {
    if (std::binary_search(files.begin(), files.end(), file)) return file;
  }
  return std::nullopt;
}

/// The numbers of the batches of CIFAR-10's training part, in order.
std::vector<Index> batches(const std::vector<std::string>& files) {
  std::vector<Index> numbers;
  for (const std::string& file : files) {
    if (!file.starts_with(kBatch)) continue;
    const auto number = parse_integer(file.substr(kBatch.size(), file.find('.') - kBatch.size()));
    if (!number || *number < 1) continue;
    if (file == batch_name(*number) || file == batch_name(*number) + ".gz") numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

bool is_cifar_10(const std::vector<std::string>& files) {
  return !batches(files).empty() || find(files, "test_batch.bin");
}

bool is_cifar_100(const std::vector<std::string>& files) {
  return find(files, "train.bin") || find(files, "test.bin");
}

/// The files of the batches, none of which may be left out.
std::vector<std::string> batch_files(const fs::path& folder, const std::vector<std::string>& files) {
  const std::vector<Index> numbers = batches(files);
  std::vector<std::string> found;
  for (Index i = 0; i < std::ssize(numbers); ++i) {
    if (const auto file = find(files, batch_name(i + 1))) {
      found.push_back(*file);
      continue;
    }
    fail_input("{}: {} is missing, but {} is there; expected all batches from 1 on; get the missing file",
               folder.string(), batch_name(i + 1), batch_name(numbers.back()));
  }
  return found;
}

/// The files of `part`; none where the folder has no such part.
std::vector<std::string> files_of(const fs::path& folder, const std::vector<std::string>& files, Part part) {
  const bool is_ten = is_cifar_10(files);
  if (part == Part::kTraining && is_ten) return batch_files(folder, files);
  const std::string test = is_ten ? "test_batch.bin" : "test.bin";
  const auto file = find(files, part == Part::kTraining ? "train.bin" : test);
  return file ? std::vector{*file} : std::vector<std::string>();
}

/// The names in `file`, a line each; none where there is no such file.
std::vector<std::string> read_names(const fs::path& file, Index classes) {
  if (!fs::exists(file)) return {};
  const std::vector<std::byte> bytes = read_file(file);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::vector<std::string> names;
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) names.emplace_back(line);
  }
  if (std::ssize(names) != classes) {
    fail_input("{}: {} names; expected one a line for each of {} classes; get the file again, or remove it",
               file.string(), names.size(), classes);
  }
  return names;
}

}  // namespace

DatasetContent read_cifar(const fs::path& folder, Part part, const Scratch& scratch) {
  const std::vector<std::string> files = files_in(folder);
  const bool is_ten = is_cifar_10(files);
  if (is_ten && is_cifar_100(files)) {
    fail_input("{}: holds files of both CIFAR-10 and CIFAR-100; expected one set; move the other away",
               folder.string());
  }
  const std::vector<std::string> found = files_of(folder, files, part);
  if (found.empty()) {
    fail_input("{}: no {} pictures; looked for {}, also with .gz; check `source`", folder.string(),
               part == Part::kTraining ? "training" : "test",
               part == Part::kTraining ? batch_name(1) + " and train.bin" : "test_batch.bin and test.bin");
  }

  const CifarForm form = is_ten ? cifar_10() : cifar_100();
  DatasetContent content;
  ValueStore<std::uint8_t> pictures(scratch);
  for (const std::string& file : found) read_cifar_file(folder / file, form, pictures, content.labels);
  std::tie(content.bytes, content.feature_file) = std::move(pictures).finish();
  DatasetDescription& description = content.description;
  description.name = folder.string();
  description.samples = std::ssize(content.labels);
  description.feature_shape = {kCifarChannels, kCifarSide, kCifarSide};
  description.classes = form.labels.back().classes;
  description.class_names =
      read_names(folder / (is_ten ? "batches.meta.txt" : "fine_label_names.txt"), description.classes);
  if (is_ten && part == Part::kTraining && std::ssize(found) < kPublishedBatches) {
    log::warn_once(fmt::format("lockstep: {}: holds {} of the {} batches that CIFAR-10 has", folder.string(),
                               found.size(), kPublishedBatches));
  }
  return content;
}

bool has_cifar_part(const fs::path& folder, Part part) {
  const std::vector<std::string> files = files_in(folder);
  if (part == Part::kTest) return find(files, "test_batch.bin") || find(files, "test.bin");
  return !batches(files).empty() || find(files, "train.bin");
}

bool has_cifar_files(const fs::path& folder) {
  return has_cifar_part(folder, Part::kTraining) || has_cifar_part(folder, Part::kTest);
}

}  // namespace lockstep
