#include "data/cifar_file.hpp"

#include <cstdint>
#include <span>

#include "data/byte_reader.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

constexpr std::size_t kPixels = kCifarSide * kCifarSide;
constexpr std::size_t kValues = kCifarChannels * kPixels;
constexpr std::size_t kRecordsTogether = 256;

void take_record(const std::string& file, const CifarForm& form, std::size_t index,
                 std::span<const std::uint8_t> record, std::span<std::uint8_t> picture) {
  for (std::size_t i = 0; i < form.labels.size(); ++i) {
    const auto& [name, classes] = form.labels[i];
    if (record[i] >= classes) {
      fail_input(
          "{}: {} {} of sample {} is out of range; expected 0 to {}, as in {}; is it another data set?", file,
          name, record[i], index, classes - 1, form.set);
    }
  }
  const std::span<const std::uint8_t> planes = record.subspan(form.labels.size());
  for (std::size_t pixel = 0; pixel < kPixels; ++pixel) {
    for (std::size_t channel = 0; channel < kCifarChannels; ++channel) {
      picture[pixel * kCifarChannels + channel] = planes[channel * kPixels + pixel];
    }
  }
}

}  // namespace

CifarForm cifar_10() { return {"CIFAR-10", {{"label", 10}}}; }

CifarForm cifar_100() { return {"CIFAR-100", {{"coarse label", 20}, {"fine label", 100}}}; }

void read_cifar_file(const std::filesystem::path& file, const CifarForm& form,
                     ValueStore<std::uint8_t>& pictures, std::vector<std::int32_t>& labels) {
  ByteReader reader(file, "a binary file of " + form.set);
  const std::size_t size = form.labels.size() + kValues;
  std::vector<std::uint8_t> records(kRecordsTogether * size);
  std::vector<std::uint8_t> picture(kValues);
  std::size_t bytes = 0;
  std::size_t count = records.size();
  while (count == records.size()) {  // fewer are the last
    count = reader.read(std::as_writable_bytes(std::span(records)));
    for (std::size_t i = 0; i < count / size; ++i) {
      const std::span<const std::uint8_t> record = std::span(records).subspan(i * size, size);
      take_record(reader.name(), form, bytes / size + i, record, picture);
      pictures.append(picture);
      labels.push_back(record[form.labels.size() - 1]);
    }
    bytes += count;
  }
  if (bytes == 0 || bytes % size != 0) {
    fail_input("{}: {} bytes; expected one or more whole records of {} bytes, as in {}; get the file again",
               reader.name(), bytes, size, form.set);
  }
}

}  // namespace lockstep
