#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/core/index.hpp"
#include "lockstep/data/dataset.hpp"

namespace lockstep {

/// An array in a file, of unsigned bytes (u1), whole numbers (i1, i2, i4, i8) or floating-point numbers (f4,
/// f8), whose values come once, the last index fastest.
class StoredArray {
 public:
  virtual ~StoredArray() = default;
  StoredArray(const StoredArray&) = delete;
  StoredArray& operator=(const StoredArray&) = delete;

  /// The file, and where it holds several arrays the array's name after a slash.
  const std::string& name() const { return name_; }
  const std::string& type() const { return type_; }
  const std::vector<Index>& sizes() const { return sizes_; }
  bool is_real() const { return type_ == "f4" || type_ == "f8"; }
  /// How many bytes the values have; the largest number where it is larger still.
  std::uint64_t value_bytes() const;

  /// Appends the next `count` values: of type u1 as bytes, of f4 and f8 as floats. Memory follows what has
  /// been read. Errors: a disk that fails, damaged data, floats that are not finite.
  void take_next(std::size_t count, std::vector<std::uint8_t>& values);
  void take_next(std::size_t count, std::vector<float>& values);

  /// All values, where none has been taken: as bytes (of u1), as whole numbers (of all but f4 and f8), as
  /// floats. Errors: as above.
  std::vector<std::uint8_t> bytes();
  std::vector<std::int64_t> whole_numbers();
  std::vector<float> floats();
  /// Fills `target` with the next bytes of the values, as they stand in memory.
  virtual void read(std::span<std::byte> target) = 0;

  /// Where the values of type u1 or f4 stand in a file as they do in memory; nothing where they don't, or are
  /// of another type. check_floats looks at those of f4, as floats() would, and keeps none.
  std::optional<FilePlace> place() const { return place_; }
  void check_floats();

 protected:
  explicit StoredArray(std::string name) : name_(std::move(name)) {}

  /// Takes over what the file says; `type` has the order of its bytes in front, such as "<f4". Errors:
  /// another type, no values.
  void describe(const std::string& type, std::vector<Index> sizes);
  void set_place(FilePlace place) { place_ = std::move(place); }

 private:
  template <typename Stored, typename Take>
  void for_each_value(std::size_t count, const Take& take);
  template <typename Stored>
  float finite(Stored stored);

  std::string name_;
  std::string type_;
  std::vector<Index> sizes_;
  std::optional<FilePlace> place_;
  std::uint64_t next_float_ = 0;
};

}  // namespace lockstep
