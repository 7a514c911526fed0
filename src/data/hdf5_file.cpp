#include "data/hdf5_file.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "core/child_reader.hpp"
#include "data/array_sizes.hpp"
#include "data/byte_reader.hpp"
#include "data/hdf5_library.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostAxes = 32;  // H5S_MAX_RANK
constexpr std::size_t kSentTogether = std::size_t{1} << 18U;

/// What stands in front of an array's values. The process that fills it may be damaged.
struct ArrayHead {
  std::array<char, 8> type;  // "f4", and zeros
  std::uint64_t axes;
  std::array<Index, kMostAxes> sizes;
};

void send_names(const ArraySet& set, ChildOutput& output) {
  std::string all;
  for (const std::string& name : set.names()) all += name + '\0';
  output.write_value<std::uint64_t>(all.size());
  output.write(std::as_bytes(std::span(all)));
}

void send_array(StoredArray& array, ChildOutput& output) {
  const std::vector<Index>& sizes = array.sizes();
  LOCKSTEP_CHECK(sizes.size() <= kMostAxes && array.type().size() < ArrayHead().type.size());
  ArrayHead head{};
  std::ranges::copy(array.type(), head.type.begin());
  head.axes = sizes.size();
  std::ranges::copy(sizes, head.sizes.begin());
  output.write_value(head);
  std::vector<std::byte> piece(kSentTogether);
  for (std::uint64_t rest = array.value_bytes(); rest > 0; rest -= piece.size()) {
    piece.resize(std::min<std::uint64_t>(rest, piece.size()));
    array.read(piece);
    output.write(piece);
  }
}

/// Calls `action`, which reads from a child. Errors, with `name`: the child is lost.
template <typename Action>
auto of_child(const std::string& name, const Action& action) {
  try {
    return action();
  } catch (const LostChild& lost) {
    fail_input(
        "{}: the HDF5 library could not read it ({}); expected an undamaged HDF5 file; see whether h5dump "
        "reads it, and save it again",
        name, lost.what());
  }
}

class Hdf5Array : public StoredArray {
 public:
  Hdf5Array(const std::string& name, std::uint64_t stored_bytes, const ChildReader::Work& work,
            double seconds)
      : StoredArray(name), child_(work, seconds) {
    const auto head = of_child(name, [this] { return child_.read_value<ArrayHead>(); });
    const std::size_t axes = std::min<std::uint64_t>(head.axes, kMostAxes);
    std::vector<Index> sizes(head.sizes.begin(), head.sizes.begin() + static_cast<std::ptrdiff_t>(axes));
    for (Index& size : sizes) size = std::max<Index>(size, 0);
    describe("=" + std::string(head.type.data(), strnlen(head.type.data(), head.type.size())),
             std::move(sizes));
    check_plausible(name, value_bytes(), stored_bytes);
  }

  void read(std::span<std::byte> target) override {
    of_child(name(), [&] { child_.read(target); });
  }

 private:
  ChildReader child_;
};

class Hdf5File : public ArraySet {
 public:
  Hdf5File(const fs::path& file, double seconds)
      : file_(file), stored_bytes_(ByteReader(file, "an HDF5 file").stored_bytes()) {
    constexpr double kBytesASecond = 1e7;
    seconds_ = seconds + static_cast<double>(stored_bytes_) / kBytesASecond;
    names_ = read_names();
  }

  std::vector<std::string> names() const override { return names_; }

  std::unique_ptr<StoredArray> open(const std::string& array) const override {
    const auto work = [this, array](ChildOutput& output) {
      send_array(*open_by_hdf5_library(file_, stored_bytes_)->open(array), output);
    };
    return std::make_unique<Hdf5Array>(file_.string() + "/" + array, stored_bytes_, work, seconds_);
  }

 private:
  std::vector<std::string> read_names() const {
    const std::string name = file_.string();
    const auto work = [this](ChildOutput& output) {
      send_names(*open_by_hdf5_library(file_, stored_bytes_), output);
    };
    const std::string all = of_child(name, [&] {
      ChildReader child(work, seconds_);
      const auto bytes = child.read_value<std::uint64_t>();
      check_plausible(name, bytes, stored_bytes_);
      std::string text(bytes, '\0');
      child.read(std::as_writable_bytes(std::span(text)));
      return text;
    });
    std::vector<std::string> names;
    for (std::size_t begin = 0, end = 0; (end = all.find('\0', begin)) != std::string::npos;
         begin = end + 1) {
      names.push_back(all.substr(begin, end - begin));
    }
    return names;
  }

  fs::path file_;
  std::uint64_t stored_bytes_;
  double seconds_;
  std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<ArraySet> open_hdf5_file(const fs::path& file, double seconds) {
  return std::make_unique<Hdf5File>(file, seconds);
}

}  // namespace lockstep
