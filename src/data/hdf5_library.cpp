#include "data/hdf5_library.hpp"

#include <algorithm>
#include <array>
#include <hdf5.h>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "data/array_sizes.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

/// The library prints no errors while one of these lives.
class QuietLibrary {
 public:
  QuietLibrary() {
    H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~QuietLibrary() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }
  QuietLibrary(const QuietLibrary&) = delete;
  QuietLibrary& operator=(const QuietLibrary&) = delete;

 private:
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

/// What the last call failed of, in the library's words.
std::string reason() {
  std::string words;
  const auto take = [](unsigned /*place*/, const H5E_error2_t* error, void* result) -> herr_t {
    auto& text = *static_cast<std::string*>(result);
    if (text.empty() && error->desc != nullptr) text = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take, &words);
  return words.substr(0, words.find_first_of(":\n"));
}

[[noreturn]] void fail_of_library(const std::string& name) {
  fail_input("{}: cannot be read ({}); expected an HDF5 file with arrays; get the file again", name,
             reason());
}

/// An object of the library, which is closed at the end.
class Handle {
 public:
  /// Errors, with `name`: the call that gave `id` failed.
  Handle(hid_t id, const std::string& name) : id_(id) {
    if (id_ < 0) fail_of_library(name);
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) H5Idec_ref(id_);
  }

  hid_t id() const { return id_; }

 private:
  hid_t id_;
};

/// As NumPy writes the type, but that numbers of either order are taken: they get that of the machine.
std::string type_text(hid_t type) {
  const auto size = fmt::format("{}", H5Tget_size(type));
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return (H5Tget_sign(type) == H5T_SGN_NONE ? "=u" : "=i") + size;
    case H5T_FLOAT:
      return "=f" + size;
    case H5T_STRING:
      return "text";
    case H5T_COMPOUND:
      return "record";
    case H5T_ENUM:
      return "enumeration";
    default:
      return "other";
  }
}

hid_t memory_type(const std::string& type) {
  if (type == "u1") return H5T_NATIVE_UINT8;
  if (type == "i1") return H5T_NATIVE_INT8;
  if (type == "i2") return H5T_NATIVE_INT16;
  if (type == "i4") return H5T_NATIVE_INT32;
  if (type == "i8") return H5T_NATIVE_INT64;
  return type == "f4" ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
}

std::vector<Index> sizes_of(const std::string& name, hid_t space) {
  const int axes = H5Sget_simple_extent_ndims(space);
  if (axes < 0) fail_of_library(name);
  std::vector<hsize_t> sizes(static_cast<std::size_t>(axes));
  if (H5Sget_simple_extent_dims(space, sizes.data(), nullptr) < 0) fail_of_library(name);
  constexpr auto kMost = static_cast<hsize_t>(std::numeric_limits<Index>::max());
  std::vector<Index> result;
  result.reserve(sizes.size());
  for (const hsize_t size : sizes) result.push_back(static_cast<Index>(std::min(size, kMost)));
  return result;
}

/// Reads whole samples, some together.
class LibraryArray : public StoredArray {
 public:
  LibraryArray(const std::string& name, Handle data, std::uint64_t stored_bytes)
      : StoredArray(name), data_(std::move(data)), space_(H5Dget_space(data_.id()), name) {
    const Handle type(H5Dget_type(data_.id()), name);
    describe(type_text(type.id()), sizes_of(name, space_.id()));
    sample_bytes_ = value_bytes() / static_cast<std::uint64_t>(sizes()[0]);
    const std::uint64_t chunk_samples = check_layout(stored_bytes);
    const std::uint64_t together = std::max<std::uint64_t>(1, kReadTogether / sample_bytes_);
    samples_together_ = (together + chunk_samples - 1) / chunk_samples * chunk_samples;
  }

 private:
  static constexpr std::uint64_t kReadTogether = std::uint64_t{1} << 22U;

  void check_filters(hid_t list) const {
    for (int i = 0; i < H5Pget_nfilters(list); ++i) {
      unsigned flags = 0;
      unsigned config = 0;
      std::size_t values = 0;
      std::array<char, 64> words{};
      const H5Z_filter_t filter = H5Pget_filter2(list, static_cast<unsigned>(i), &flags, &values, nullptr,
                                                 words.size(), words.data(), &config);
      if (filter < 0) fail_of_library(name());
      if (H5Zfilter_avail(filter) > 0) continue;
      words.back() = '\0';
      fail_input(
          "{}: packed by the filter {} ('{}'), which this HDF5 library does not have; expected gzip; save "
          "it with that",
          name(), filter, words.data());
    }
  }

  /// How many samples stand together in the file. Errors: values in other files, or more of them than
  /// there can be; an unknown filter.
  std::uint64_t check_layout(std::uint64_t stored_bytes) const {
    const Handle list(H5Dget_create_plist(data_.id()), name());
    const H5D_layout_t layout = H5Pget_layout(list.id());
    if (layout < 0) fail_of_library(name());
    if (layout == H5D_VIRTUAL || H5Pget_external_count(list.id()) > 0) {
      fail_input("{}: its values stand in other files; expected them in this one; copy it with h5repack",
                 name());
    }
    check_filters(list.id());
    check_plausible(name(), value_bytes(), stored_bytes);
    if (layout != H5D_CHUNKED) {
      // The library would read beyond it. What was never written has none, and is all 0.
      const hsize_t held = H5Dget_storage_size(data_.id());
      if (held >= value_bytes() || (held == 0 && layout == H5D_CONTIGUOUS)) return 1;
      fail_input("{}: {} bytes, but the file holds {}; get the file again", name(), value_bytes(), held);
    }
    std::vector<hsize_t> chunk(sizes().size());
    if (H5Pget_chunk(list.id(), static_cast<int>(chunk.size()), chunk.data()) < 0) fail_of_library(name());
    std::vector<Index> of_bytes(chunk.begin(), chunk.end());
    of_bytes.push_back(type()[1] - '0');
    check_plausible(name(), product(of_bytes), stored_bytes);
    return std::clamp<std::uint64_t>(chunk[0], 1, static_cast<std::uint64_t>(sizes()[0]));
  }

  void read(std::span<std::byte> target) override {
    while (!target.empty()) {
      if (rest_.empty()) read_samples();
      const std::span<std::byte> part = target.first(std::min(target.size(), rest_.size()));
      std::copy_n(rest_.begin(), part.size(), part.begin());
      rest_ = rest_.subspan(part.size());
      target = target.subspan(part.size());
    }
  }

  void read_samples() {
    const QuietLibrary quiet;
    const auto samples = static_cast<hsize_t>(sizes()[0]);
    LOCKSTEP_CHECK(next_sample_ < samples);
    std::vector<hsize_t> begin(sizes().size());
    std::vector<hsize_t> count(sizes().begin(), sizes().end());
    begin[0] = next_sample_;
    count[0] = std::min<hsize_t>(samples_together_, samples - next_sample_);
    next_sample_ += count[0];
    samples_.resize(static_cast<std::size_t>(count[0] * sample_bytes_));
    rest_ = samples_;
    const Handle memory(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), name());
    if (H5Sselect_hyperslab(space_.id(), H5S_SELECT_SET, begin.data(), nullptr, count.data(), nullptr) < 0 ||
        H5Dread(data_.id(), memory_type(type()), memory.id(), space_.id(), H5P_DEFAULT, samples_.data()) <
            0) {
      fail_of_library(name());
    }
  }

  Handle data_;
  Handle space_;
  std::uint64_t sample_bytes_ = 0;
  std::uint64_t samples_together_ = 0;
  hsize_t next_sample_ = 0;
  std::vector<std::byte> samples_;  // those that were read last
  std::span<std::byte> rest_;       // of them
};

/// Without its locks, which some file systems do not have and a reader does not need.
Handle open_file(const fs::path& file) {
  const QuietLibrary quiet;
  const std::string name = file.string();
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), name);
  H5Pset_file_locking(access.id(), false, true);
  return {H5Fopen(file.c_str(), H5F_ACC_RDONLY, access.id()), name};
}

class LibrarySet : public ArraySet {
 public:
  LibrarySet(const fs::path& file, std::uint64_t stored_bytes)
      : name_(file.string()), stored_bytes_(stored_bytes), file_(open_file(file)) {}

  std::vector<std::string> names() const override {
    const QuietLibrary quiet;
    H5G_info_t group{};
    if (H5Gget_info(file_.id(), &group) < 0) fail_of_library(name_);
    check_plausible(name_, group.nlinks, stored_bytes_);  // a name has a byte at least
    std::vector<std::string> names;
    for (hsize_t i = 0; i < group.nlinks; ++i) names.push_back(name_at(i));
    return names;
  }

  std::unique_ptr<StoredArray> open(const std::string& array) const override {
    const QuietLibrary quiet;
    const std::string name = name_ + "/" + array;
    H5L_info_t link{};
    if (H5Lget_info(file_.id(), array.c_str(), &link, H5P_DEFAULT) < 0) fail_of_library(name);
    if (link.type != H5L_TYPE_HARD && link.type != H5L_TYPE_SOFT) {
      fail_input("{}: a link to another file; expected an array in this one; copy it with h5repack", name);
    }
    return std::make_unique<LibraryArray>(
        name, Handle(H5Dopen2(file_.id(), array.c_str(), H5P_DEFAULT), name), stored_bytes_);
  }

 private:
  std::string name_at(hsize_t place) const {
    const auto get = [&](char* text, std::size_t size) {
      return H5Lget_name_by_idx(file_.id(), ".", H5_INDEX_NAME, H5_ITER_INC, place, text, size, H5P_DEFAULT);
    };
    const auto length = get(nullptr, 0);
    if (length < 0) fail_of_library(name_);
    std::string text(static_cast<std::size_t>(length) + 1, '\0');
    if (get(text.data(), text.size()) < 0) fail_of_library(name_);
    text.pop_back();
    return text;
  }

  std::string name_;
  std::uint64_t stored_bytes_;
  Handle file_;
};

}  // namespace

void check_plausible(const std::string& name, std::uint64_t bytes, std::uint64_t stored_bytes) {
  if (bytes / kLargestDeflateRatio <= stored_bytes) return;
  fail_input("{}: {} bytes in a file of {}; expected what that can hold; get the file again", name, bytes,
             stored_bytes);
}

std::unique_ptr<ArraySet> open_by_hdf5_library(const fs::path& file, std::uint64_t stored_bytes) {
  return std::make_unique<LibrarySet>(file, stored_bytes);
}

}  // namespace lockstep
