#include "data/npz_file.hpp"

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <zip.h>

#include <fmt/format.h>

#include "data/array_sizes.hpp"
#include "data/byte_reader.hpp"
#include "data/npy_file.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kEnding = ".npy";

[[noreturn]] void fail_archive(const std::string& name, zip_error_t* error) {
  const std::string words = zip_error_strerror(error);
  zip_error_fini(error);
  fail_input("{}: cannot be read ({}); expected an NPZ file, as numpy.savez writes it; get the file again",
             name, words);
}

std::shared_ptr<zip_t> open_archive(const fs::path& file) {
  int code = 0;
  zip_t* const archive = zip_open(file.c_str(), ZIP_RDONLY, &code);
  if (archive == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    fail_archive(file.string(), &error);
  }
  return {archive, &zip_discard};
}

/// A file in an archive, which is read through a handle of its own.
struct Member {
  struct Close {
    void operator()(zip_file_t* open) const { zip_fclose(open); }
  };

  std::shared_ptr<zip_t> archive;  // lives longer than what is open in it
  std::string name;
  std::unique_ptr<zip_file_t, Close> file;

  std::size_t read(std::span<std::byte> target) const {
    const zip_int64_t count = zip_fread(file.get(), target.data(), target.size());
    if (count < 0) fail_archive(name, zip_file_get_error(file.get()));
    return static_cast<std::size_t>(count);
  }
};

class NpzFile : public ArraySet {
 public:
  explicit NpzFile(const fs::path& file)
      : name_(file.string()),
        stored_bytes_(ByteReader(file, "an NPZ file").stored_bytes()),
        archive_(open_archive(file)) {}

  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (zip_int64_t i = 0; i < zip_get_num_entries(archive_.get(), 0); ++i) {
      const char* const name = zip_get_name(archive_.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
      std::string text = name == nullptr ? "" : name;
      if (!text.ends_with(kEnding)) continue;
      text.resize(text.size() - kEnding.size());
      names.push_back(std::move(text));
    }
    return names;
  }

  std::unique_ptr<StoredArray> open(const std::string& array) const override {
    const std::string inside = array + std::string(kEnding);
    const std::string name = name_ + "/" + inside;
    zip_stat_t about{};
    if (zip_stat(archive_.get(), inside.c_str(), ZIP_FL_ENC_RAW, &about) != 0) {
      fail_archive(name, zip_get_error(archive_.get()));
    }
    check(name, about);
    zip_file_t* const file = zip_fopen_index(archive_.get(), about.index, 0);
    if (file == nullptr) fail_archive(name, zip_get_error(archive_.get()));
    const auto member = std::make_shared<Member>(Member{archive_, name, {}});
    member->file.reset(file);
    return std::make_unique<NpyFile>(ByteSequence{
        name, about.size, [member](std::span<std::byte> target) { return member->read(target); }});
  }

 private:
  void check(const std::string& name, const zip_stat_t& about) const {
    constexpr zip_uint64_t kNeeded = ZIP_STAT_INDEX | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD;
    const bool is_known = (about.valid & kNeeded) == kNeeded;
    if (!is_known || (about.comp_method != ZIP_CM_STORE && about.comp_method != ZIP_CM_DEFLATE)) {
      fail_input("{}: compressed by method {}; expected deflate or none; write it by numpy.savez_compressed",
                 name, about.comp_method);
    }
    const bool is_stored = about.comp_method == ZIP_CM_STORE;
    if (is_stored ? about.size > stored_bytes_ : about.size / kLargestDeflateRatio > stored_bytes_) {
      fail_input("{}: {} bytes in an archive of {}; expected what that can hold; get the file again", name,
                 about.size, stored_bytes_);
    }
  }

  std::string name_;
  std::uint64_t stored_bytes_;
  std::shared_ptr<zip_t> archive_;
};

}  // namespace

std::unique_ptr<ArraySet> open_npz_file(const fs::path& file) { return std::make_unique<NpzFile>(file); }

}  // namespace lockstep
