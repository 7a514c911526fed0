#pragma once

#include <algorithm>
#include <vector>

#include "lockstep/core/threads.hpp"
#include "lockstep/nn/matrix.hpp"
#include "nn/product_kernel.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// A matrix [rows x columns], row-major or the transpose of such a one; `pitch` is the distance in memory
/// from row to row (from column to column of a transpose).
template <typename Factor>
struct Operand {
  const Factor* data;
  Index rows;
  Index columns;
  Index pitch;
  bool is_transposed;

  const Factor* at(Index row, Index column) const {
    return data + (is_transposed ? column * pitch + row : row * pitch + column);
  }
};

/// c = a b, or its transpose where `turned`; then bias is one value for every row, and else for every column.
template <typename Factor>
struct Product {
  Operand<Factor> a;
  Operand<Factor> b;
  const Real* bias;
  Real* c;
  Index c_pitch;
  bool turned;
  bool adds;  // to what c holds; not of one that is turned
};

/// Makes a product of packed panels of b, one or two vectors wide, and tiles of rows of a.
template <typename Factor>
class Multiplication {
 public:
  /// The product stays alive.
  explicit Multiplication(const Product<Factor>& product)
      : p_(product),
        kernel_(product_kernel<Real, Factor>()),
        tiles_(quotient_up(p_.a.rows, most_rows())),
        rows_(p_.a.rows / tiles_),
        higher_(p_.a.rows % tiles_),
        groups_(quotient_up(tiles_, kGroup)),
        goes_by_rows_(has_few_terms() && p_.b.columns > widest() && !p_.turned) {}

  /// About how many cycles it takes.
  double cost() const {
    constexpr double kCopying = 3;
    constexpr double kTransposing = 4;
    const auto vectors = [&](Index rows, Index columns) {
      return static_cast<double>(rows) * static_cast<double>(columns) / static_cast<double>(kernel_.lanes);
    };
    const double packing = p_.b.is_transposed ? kTransposing : packs(p_.b.columns) ? kCopying : 0;
    return static_cast<double>(p_.a.rows * p_.a.columns * quotient_up(p_.b.columns, kernel_.lanes)) / 2 +
           vectors(p_.b.rows, p_.b.columns) * packing +
           vectors(p_.a.rows, p_.a.columns) * (copies_a() ? kCopying : 0) +
           vectors(p_.a.rows, p_.b.columns) * (p_.turned ? kTransposing : 0);
  }

  void run() const {
    const Index at_a_time = std::max(kMostPacked / p_.b.rows / widest(), Index{1}) * widest();
    for (Index first = 0; first < p_.b.columns; first += at_a_time) {
      run(first, std::min(at_a_time, p_.b.columns - first));
    }
  }

 private:
  // Chosen by measuring; none of them shows in a result.
  /// Tiles, one below the other, that a panel of b meets while it is in the cache.
  static constexpr Index kGroup = 8;
  /// Terms of a panel at a time, and where there is one group only, which packs them just before.
  static constexpr Index kTerms = 1024;
  static constexpr Index kTermsOfOneGroup = 256;
  /// So few that writing c takes most of the time, which then goes row by row, in runs of tiles.
  static constexpr Index kFewTerms = 32;
  /// So few that b is read where it stands.
  static constexpr Index kFewTiles = 3;
  /// Values of b that are packed at a time.
  static constexpr Index kMostPacked = Index{1} << 22U;
  /// Bytes: what stands at multiples of it shares few places of a cache, in which so many rows have room.
  static constexpr Index kCollision = 2048;
  static constexpr Index kFewRows = 8;

  /// Rows of a factor as the kernel takes them.
  struct Rows {
    const Factor* first;
    Index pitch;
  };
  struct Panel {
    Index first_column;
    Index columns;
    Index width;     // in vectors, the last of which may go beyond the columns
    Factor* packed;  // all its terms, or null where they are packed as they are needed, or not at all
  };
  /// Columns that are multiplied at a time, and where their panels are packed.
  struct Columns {
    Index first;
    Index count;
    Factor* packed;
  };
  /// Buffers of a thread, kept for its next products.
  struct Buffers {
    std::vector<Factor> a, b, block;
    std::vector<Real> tiles;
  };
  static Buffers& buffers() {
    thread_local Buffers buffers;
    return buffers;
  }
  template <typename T>
  static T* room(std::vector<T>& buffer, Index size) {
    if (std::ssize(buffer) < size) buffer.resize(static_cast<std::size_t>(size));
    return buffer.data();
  }

  static Index quotient_up(Index a, Index b) { return (a + b - 1) / b; }
  /// Whether rows at this distance fall on the same places of a cache.
  static bool collides(Index pitch) { return pitch * Index{sizeof(Factor)} % kCollision == 0; }

  bool has_few_terms() const { return p_.a.columns <= kFewTerms; }
  /// Of a tile. Rows of a at a colliding distance are few enough to be read where they stand.
  Index most_rows() const {
    const bool collide = !p_.a.is_transposed && collides(p_.a.pitch);
    return collide ? std::min(kernel_.rows, kFewRows) : kernel_.rows;
  }
  Index first_row(Index tile) const { return tile * rows_ + std::min(tile, higher_); }
  Index height(Index tile) const { return rows_ + (tile < higher_ ? 1 : 0); }

  /// How many terms of a panel of b are read where they stand, the first. A vector that goes beyond the
  /// columns goes into the rows below, which the last terms have not.
  Index read_in_place(Index columns) const {
    if (p_.b.is_transposed || tiles_ > kFewTiles) return 0;
    const Index beyond = quotient_up(columns, kernel_.lanes) * kernel_.lanes - columns;
    if (beyond > 0 && (has_few_terms() || p_.adds)) return 0;
    return std::max<Index>(p_.b.rows - quotient_up(beyond, p_.b.pitch), 0);
  }
  bool packs(Index columns) const { return read_in_place(columns) == 0; }
  /// Whether that is done before all products, as several groups, or several tiles in turn, meet a panel.
  bool packs_whole_panels() const { return groups_ > 1 || goes_by_rows_; }
  bool copies_a() const { return p_.a.is_transposed && p_.a.columns > kFewRows && collides(p_.a.pitch); }

  Index widest() const { return 2 * kernel_.lanes; }
  Panel panel(const Columns& all, Index i) const {
    const Index before = i * widest();
    const Index own = std::min(widest(), all.count - before);
    return {all.first + before, own, quotient_up(own, kernel_.lanes),
            all.packed == nullptr ? nullptr : all.packed + before * p_.b.rows};
  }

  /// Columns [first, first + columns) of c.
  void run(Index first, Index columns) const {
    const Index panels = quotient_up(columns, widest());
    Columns all{first, columns, nullptr};
    if (packs_whole_panels()) {
      all.packed = room(buffers().b, panels * widest() * p_.b.rows);
      for_each_part(panels, [&](Index i) {
        const Panel own = panel(all, i);
        if (packs(own.columns)) pack(own, 0, p_.b.rows, own.packed);
      });
    }

    const Index shares = groups_ >= threads() ? 1 : std::min<Index>(threads(), panels);
    for_each_part(groups_ * shares, [&](Index part) {
      const Index group = part / shares;
      const Index share = part % shares;
      const Index first_tile = tiles_ * group / groups_;
      const Index last_tile = tiles_ * (group + 1) / groups_;
      const Index first_panel = panels * share / shares;
      const Index last_panel = panels * (share + 1) / shares;
      const Rows a = rows_of_a(first_tile, last_tile);
      if (goes_by_rows_) {
        for (Index i = first_tile; i < last_tile; ++i) {
          multiply_row(first_tile, i, a, all, first_panel, last_panel);
        }
      } else {
        for (Index i = first_panel; i < last_panel; ++i) {
          multiply_panel(first_tile, last_tile, a, panel(all, i));
        }
      }
    });
  }

  void pack(const Panel& panel, Index first, Index count, Factor* to) const {
    const Factor* const from = p_.b.at(first, panel.first_column);
    const Index pitch = panel.width * kernel_.lanes;
    if (p_.b.is_transposed) {
      kernel_.pack_transpose(from, p_.b.pitch, panel.columns, count, to, pitch);
    } else {
      kernel_.pack(from, p_.b.pitch, count, panel.columns, to, pitch);
    }
  }

  /// Terms [first, first + count) of b's panel.
  Rows terms_of(const Panel& panel, Index first, Index count) const {
    if (first < read_in_place(panel.columns)) return {p_.b.at(first, panel.first_column), p_.b.pitch};
    const Index pitch = panel.width * kernel_.lanes;
    if (panel.packed != nullptr) return {panel.packed + first * pitch, pitch};
    Factor* const block = room(buffers().block, count * pitch);
    pack(panel, first, count, block);
    return {block, pitch};
  }

  /// Of tiles [first, last), read by rows or by columns.
  Rows rows_of_a(Index first_tile, Index last_tile) const {
    const Index begin = first_row(first_tile);
    const Factor* const from = p_.a.at(begin, 0);
    if (!copies_a()) return {from, p_.a.pitch};
    const Index length = first_row(last_tile) - begin;
    const Index pitch = quotient_up(length, kernel_.lanes) * kernel_.lanes + kernel_.lanes;
    Factor* const to = room(buffers().a, p_.a.columns * pitch);
    kernel_.pack(from, p_.a.pitch, p_.a.columns, length, to, pitch);
    return {to, pitch};
  }

  /// A tile of which only the place is open, for rows of a.
  ProductTile<Real, Factor> some_tile(const Rows& a) const {
    return {.a = nullptr,
            .a_pitch = a.pitch,
            .b = nullptr,
            .b_pitch = 0,
            .terms = p_.a.columns,
            .pieces = 1,
            .a_step = 0,
            .b_step = 0,
            .c = nullptr,
            .c_pitch = p_.c_pitch,
            .columns = 0,
            .goes_on = false,
            .adds = p_.adds,
            .column_bias = nullptr,
            .row_bias = nullptr};
  }
  /// The step in memory from row to row of a.
  Index row_step(const Rows& a) const { return p_.a.is_transposed ? 1 : a.pitch; }
  /// Of the kernel's tiles, or runs of tiles, those for panels of this width.
  const auto& for_width(Index width, const auto& all) const {
    return all[p_.a.is_transposed ? 1 : 0][width - 1];
  }

  /// Tile i with all terms of panels [first, last); `a` begins with the rows of tile `group`.
  void multiply_row(Index group, Index i, const Rows& a, const Columns& all, Index first, Index last) const {
    const Index begin = first_row(i);
    Real* const c = p_.c + begin * p_.c_pitch;
    ProductTile<Real, Factor> tile = some_tile(a);
    tile.a = a.first + (begin - first_row(group)) * row_step(a);
    Index count = 1;
    for (Index number = first; number < last; number += count) {
      const Panel own = panel(all, number);
      const Rows b = terms_of(own, 0, p_.b.rows);
      count = own.columns < widest() ? 1 : std::min(last, all.count / widest()) - number;
      tile.b = b.first;
      tile.b_pitch = b.pitch;
      tile.c = c + own.first_column;
      tile.columns = own.columns;
      if (p_.bias != nullptr) tile.column_bias = p_.bias + own.first_column;
      for_width(own.width, kernel_.runs)[height(i) - 1](
          tile, {.count = count,
                 .b_step = packs(own.columns) ? own.columns * p_.b.rows : own.columns,
                 .c_step = own.columns,
                 .bias_step = own.columns});
    }
  }

  /// The tiles [first, last) of one panel; `a` begins with their rows.
  void multiply_panel(Index first, Index last, const Rows& a, const Panel& panel) const {
    const Index begin = first_row(first);
    const Index rows = first_row(last) - begin;
    const Index wide = panel.width * kernel_.lanes;
    const auto& tiles = for_width(panel.width, kernel_.tiles);
    const auto& runs = for_width(panel.width, kernel_.runs);
    ProductTile<Real, Factor> tile = some_tile(a);
    tile.columns = panel.columns;
    if (p_.turned) tile.c_pitch = wide;
    Real* const place =
        p_.turned ? room(buffers().tiles, rows * wide) : p_.c + begin * p_.c_pitch + panel.first_column;
    const Index at_a_time = p_.adds ? p_.a.columns : packs_whole_panels() ? kTerms : kTermsOfOneGroup;
    const Index in_place = read_in_place(panel.columns);
    for (Index k = 0; k < p_.a.columns; k += tile.terms) {
      tile.terms = std::min(at_a_time, (k < in_place ? in_place : p_.a.columns) - k);
      const Rows b = terms_of(panel, k, tile.terms);
      tile.b = b.first;
      tile.b_pitch = b.pitch;
      const bool is_last = k + tile.terms == p_.a.columns && p_.bias != nullptr;
      if (is_last && !p_.turned) tile.column_bias = p_.bias + panel.first_column;
      Index count = 1;
      for (Index i = first; i < last; i += count) {
        const Index row = first_row(i) - begin;
        const Index high = height(i);
        tile.a = a.first + row * row_step(a) + k * (p_.a.is_transposed ? a.pitch : 1);
        tile.c = place + row * tile.c_pitch;
        if (is_last && p_.turned) tile.row_bias = p_.bias + begin + row;
        if (has_few_terms()) {
          count = (i < higher_ ? std::min(higher_, last) : last) - i;
          runs[high - 1](tile, {.count = count,
                                .a_step = high * row_step(a),
                                .c_step = high * tile.c_pitch,
                                .bias_step = p_.turned ? high : 0});
        } else {
          tiles[high - 1](tile);
        }
      }
      tile.goes_on = true;
    }
    if (p_.turned) {
      kernel_.transpose(place, wide, rows, panel.columns, p_.c + panel.first_column * p_.c_pitch + begin,
                        p_.c_pitch);
    }
  }

  const Product<Factor>& p_;
  const ProductKernel<Real, Factor>& kernel_;
  Index tiles_;        // that stand one below the other
  Index rows_;         // of each
  Index higher_;       // so many, the first, have one more
  Index groups_;       // of tiles
  bool goes_by_rows_;  // a tile's rows for all panels, and not a panel for all tiles of a group
};

}  // namespace lockstep::inline LOCKSTEP_REAL
