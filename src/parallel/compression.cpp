#include "parallel/compression.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "core/multiversion.hpp"
#include "lockstep/core/error.hpp"
#include "nn/bfloat16_rounding.hpp"

namespace lockstep {

namespace {

using Word = std::uint32_t;

/// Stream i of them holds the values i, i + 16, ….
constexpr std::size_t kStreams = 16;
/// Rows, of a value of each stream, that are a group.
constexpr std::size_t kRowsOfValues = 4;
constexpr std::size_t kRowsOfChanges = 1;
/// Values that are worked on at a time: whole groups.
constexpr std::size_t kChunk = 1024;

constexpr unsigned kWordBits = 32;
constexpr Word kAllButSign = 0x7fffffff;
constexpr unsigned kSignificandBits = 23;
constexpr Word kSignificand = (Word{1} << kSignificandBits) - 1;
constexpr Word kExponent = 0xff;
// Where a value's sign, and how far its exponent is below the largest, stand above the significand.
constexpr Word kSign = Word{1} << kSignificandBits;
constexpr unsigned kSignShift = kWordBits - 1 - kSignificandBits;
constexpr unsigned kBelowShift = kSignificandBits + 1;

/// What a group begins with.
struct Head {
  std::uint8_t width = 0;             ///< bits of each of its numbers
  std::uint8_t largest_exponent = 0;  ///< for kValues alone, and else not in the message
};

struct Form {
  std::size_t rows;        ///< of a group
  std::size_t head_bytes;  ///< the first so many of a Head
  unsigned unused_bits;    ///< the lowest ones of a value, which are 0
};

Form form_of(const CodedRun& run) {
  LOCKSTEP_CHECK(run.coding != Coding::kNone);
  const unsigned unused = run.is_bfloat16 ? kWordBits / 2 : 0;
  return run.coding == Coding::kValues ? Form{kRowsOfValues, 2, unused} : Form{kRowsOfChanges, 1, unused};
}

std::size_t groups_of(std::size_t count, const Form& form) {
  const std::size_t values = form.rows * kStreams;
  return (count + values - 1) / values;
}

/// Numbers of any width, one after another in each stream.
class Writer {
 public:
  explicit Writer(std::byte* message) : next_(message) {}

  [[gnu::always_inline]] void write(const Word* row, unsigned width) {
    for (std::size_t i = 0; i < kStreams; ++i) pending_[i] |= std::uint64_t{row[i]} << bits_;
    bits_ += width;
    if (bits_ < kWordBits) return;
    flush();
    for (std::uint64_t& pending : pending_) pending >>= kWordBits;
    bits_ -= kWordBits;
  }

  std::byte* end() {
    if (bits_ > 0) flush();
    return next_;
  }

 private:
  [[gnu::always_inline]] void flush() {
    std::array<Word, kStreams> words = {};
    for (std::size_t i = 0; i < kStreams; ++i) words[i] = static_cast<Word>(pending_[i]);
    std::memcpy(next_, words.data(), sizeof words);
    next_ += sizeof words;
  }

  std::byte* next_;
  std::array<std::uint64_t, kStreams> pending_ = {};
  unsigned bits_ = 0;
};

class Reader {
 public:
  explicit Reader(const std::byte* message) : next_(message) {}

  [[gnu::always_inline]] void read(unsigned width, Word* row) {
    if (bits_ < width) {
      std::array<Word, kStreams> words = {};
      std::memcpy(words.data(), next_, sizeof words);
      next_ += sizeof words;
      for (std::size_t i = 0; i < kStreams; ++i) pending_[i] |= std::uint64_t{words[i]} << bits_;
      bits_ += kWordBits;
    }
    const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
    for (std::size_t i = 0; i < kStreams; ++i) row[i] = static_cast<Word>(pending_[i] & mask);
    for (std::uint64_t& pending : pending_) pending >>= width;
    bits_ -= width;
  }

  const std::byte* end() const { return next_; }

 private:
  const std::byte* next_;
  std::array<std::uint64_t, kStreams> pending_ = {};
  unsigned bits_ = 0;
};

LOCKSTEP_MULTIVERSION
void write_groups(const Word* numbers, std::size_t groups, std::size_t rows, Head* heads, Writer& writer) {
  Writer local = writer;
  for (std::size_t group = 0; group < groups; ++group) {
    const Word* const first = numbers + group * rows * kStreams;
    Word any = 0;
    for (std::size_t i = 0; i < rows * kStreams; ++i) any |= first[i];
    const auto width = static_cast<unsigned>(std::bit_width(any));
    heads[group].width = static_cast<std::uint8_t>(width);
    for (std::size_t row = 0; row < rows; ++row) local.write(first + row * kStreams, width);
  }
  writer = local;
}

LOCKSTEP_MULTIVERSION
void read_groups(Reader& reader, const Head* heads, std::size_t groups, std::size_t rows, Word* numbers) {
  Reader local = reader;
  for (std::size_t group = 0; group < groups; ++group) {
    for (std::size_t row = 0; row < rows; ++row)
      local.read(heads[group].width, numbers + (group * rows + row) * kStreams);
  }
  reader = local;
}

LOCKSTEP_MULTIVERSION
void round_all(Word* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    values[i] = nearest_bfloat16(__builtin_bit_cast(float, values[i])) << (kWordBits / 2);
}

/// A number that rises with the value of `bits`, without those that are unused.
[[gnu::always_inline]] inline Word place_of(Word bits, unsigned unused) {
  const auto number = static_cast<std::int32_t>(bits) >> unused;
  return static_cast<Word>(number) ^ (static_cast<Word>(number >> (kWordBits - 1)) & (kAllButSign >> unused));
}

LOCKSTEP_MULTIVERSION
void to_changes(const Word* previous, std::size_t count, unsigned unused, Word* values) {
  for (std::size_t i = 0; i < count; ++i) {
    // Differences are taken round the end of what a value's bits can be.
    const Word difference = place_of(values[i], unused) - place_of(previous[i], unused);
    const auto change = static_cast<std::int32_t>(difference << unused) >> unused;
    // The sign becomes the lowest bit.
    values[i] = static_cast<Word>(change) << 1U ^ static_cast<Word>(change >> (kWordBits - 1));
  }
}

LOCKSTEP_MULTIVERSION
void from_changes(const Word* changes, std::size_t count, unsigned unused, Word* values) {
  for (std::size_t i = 0; i < count; ++i) {
    const Word change = (changes[i] >> 1U) ^ (0U - (changes[i] & 1U));
    // On shifted numbers place_of is its own inverse.
    values[i] = place_of((place_of(values[i], unused) + change) << unused, unused) << unused;
  }
}

LOCKSTEP_MULTIVERSION
void to_distances(Word* values, std::size_t groups, unsigned unused, Head* heads) {
  for (std::size_t group = 0; group < groups; ++group) {
    Word* const first = values + group * kRowsOfValues * kStreams;
    Word largest = 0;
    for (std::size_t i = 0; i < kRowsOfValues * kStreams; ++i)
      largest = std::max(largest, first[i] & kAllButSign);
    largest >>= kSignificandBits;
    heads[group].largest_exponent = static_cast<std::uint8_t>(largest);
    for (std::size_t i = 0; i < kRowsOfValues * kStreams; ++i) {
      const Word below = largest - (first[i] >> kSignificandBits & kExponent);
      first[i] =
          (below << kBelowShift | (first[i] >> kSignShift & kSign) | (first[i] & kSignificand)) >> unused;
    }
  }
}

LOCKSTEP_MULTIVERSION
void from_distances(Word* numbers, std::size_t groups, unsigned unused, const Head* heads) {
  for (std::size_t group = 0; group < groups; ++group) {
    Word* const first = numbers + group * kRowsOfValues * kStreams;
    const Word largest = heads[group].largest_exponent;
    for (std::size_t i = 0; i < kRowsOfValues * kStreams; ++i) {
      const Word number = first[i] << unused;
      const Word exponent = largest - (number >> kBelowShift);
      first[i] = (number & kSign) << kSignShift | exponent << kSignificandBits | (number & kSignificand);
    }
  }
}

using Chunk = std::array<Word, kChunk>;
using Heads = std::array<Head, kChunk / kStreams>;

void load(const float* from, std::size_t count, const Form& form, Chunk& values) {
  std::memcpy(values.data(), from, count * sizeof(Word));
  if (form.unused_bits > 0) round_all(values.data(), count);
}

}  // namespace

std::size_t most_compressed_bytes(const CodedRun& run) {
  const Form form = form_of(run);
  const std::size_t groups = groups_of(static_cast<std::size_t>(run.count), form);
  const std::size_t words = (groups * form.rows * (kWordBits - form.unused_bits) + kWordBits - 1) / kWordBits;
  return groups * form.head_bytes + words * kStreams * sizeof(Word);
}

std::byte* compress(const CodedRun& run, const float* values, const float* previous, std::byte* message) {
  const Form form = form_of(run);
  const auto count = static_cast<std::size_t>(run.count);
  Writer writer(message + groups_of(count, form) * form.head_bytes);
  Chunk chunk;
  Chunk before;
  Heads heads;
  for (std::size_t begin = 0; begin < count; begin += kChunk) {
    const std::size_t size = std::min(kChunk, count - begin);
    const std::size_t groups = groups_of(size, form);
    load(values + begin, size, form, chunk);
    const auto padding = chunk.begin() + static_cast<std::ptrdiff_t>(size);
    std::fill(padding, chunk.end(), 0);  // is no group's largest exponent
    if (run.coding == Coding::kChanges) {
      load(previous + begin, size, form, before);
      to_changes(before.data(), size, form.unused_bits, chunk.data());
    } else {
      to_distances(chunk.data(), groups, form.unused_bits, heads.data());
    }
    std::fill(padding, chunk.end(), 0);  // nor widest number
    write_groups(chunk.data(), groups, form.rows, heads.data(), writer);
    for (std::size_t group = 0; group < groups; ++group) {
      std::memcpy(message, &heads[group], form.head_bytes);
      message += form.head_bytes;
    }
  }
  return writer.end();
}

const std::byte* decompress(const CodedRun& run, const std::byte* message, float* values) {
  const Form form = form_of(run);
  const auto count = static_cast<std::size_t>(run.count);
  Reader reader(message + groups_of(count, form) * form.head_bytes);
  Chunk numbers;
  Chunk before;
  Heads heads;
  for (std::size_t begin = 0; begin < count; begin += kChunk) {
    const std::size_t size = std::min(kChunk, count - begin);
    const std::size_t groups = groups_of(size, form);
    for (std::size_t group = 0; group < groups; ++group) {
      Head& head = heads[group];
      std::memcpy(&head, message, form.head_bytes);
      head.width = std::min(head.width, static_cast<std::uint8_t>(kWordBits - form.unused_bits));
      message += form.head_bytes;
    }
    read_groups(reader, heads.data(), groups, form.rows, numbers.data());
    if (run.coding == Coding::kChanges) {
      load(values + begin, size, form, before);
      from_changes(numbers.data(), size, form.unused_bits, before.data());
      std::memcpy(values + begin, before.data(), size * sizeof(Word));
    } else {
      from_distances(numbers.data(), groups, form.unused_bits, heads.data());
      std::memcpy(values + begin, numbers.data(), size * sizeof(Word));
    }
  }
  return reader.end();
}

}  // namespace lockstep
