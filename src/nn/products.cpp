#include "lockstep/nn/products.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "lockstep/core/threads.hpp"
#include "lockstep/nn/bfloat16_products.hpp"
#include "nn/product_kernel.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

template <typename Factor>
using Kernel = ProductKernel<Real, Factor>;

// Chosen by measuring; none of them shows in a result.
constexpr Index kGroup = 8;  // tiles, one below the other, that a panel of b meets while it is in the cache
constexpr Index kTerms = 1024;   // of a panel of b at a time
constexpr Index kFewTerms = 32;  // so few that writing c takes most of the time, which then goes row by row
constexpr Index kFewTiles = 3;   // so few that b is read where it stands
constexpr Index kMostPacked = Index{1} << 22U;  // values of b that are packed at a time
constexpr Index kCollision = 2048;  // bytes: what stands at multiples of it shares few places of a cache
constexpr Index kFewRows = 8;       // which have room there all the same

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

Operand<Real> plain(ConstMatrixView m) { return {m.data(), m.rows(), m.cols(), m.cols(), false}; }
Operand<Bfloat16Pair> plain(ConstPairsView m) { return {m.data(), m.rows(), m.cols(), m.cols(), false}; }

template <typename Factor>
Operand<Factor> transpose_of(const Operand<Factor>& m) {
  return {m.data, m.columns, m.rows, m.pitch, !m.is_transposed};
}
/// Rows [first, first + count) of the transpose.
template <typename Factor>
Operand<Factor> rows_of_transpose(const Operand<Factor>& m, Index first, Index count) {
  return {m.data + first, count, m.rows, m.pitch, true};
}

/// Whether rows at this distance fall on the same places of a cache.
template <typename Factor>
bool collides(Index pitch) {
  return pitch * Index{sizeof(Factor)} % kCollision == 0;
}

Index quotient_up(Index a, Index b) { return (a + b - 1) / b; }

/// c = a b, or its transpose where `turned`; then bias is one value for every row, and else for every column.
template <typename Factor>
struct Product {
  Operand<Factor> a;
  Operand<Factor> b;
  const Real* bias;
  Real* c;
  Index c_pitch;
  bool turned;
};

/// About how many cycles a product takes.
template <typename Factor>
double cost(const Product<Factor>& p, const Kernel<Factor>& kernel) {
  constexpr double kCopying = 2;
  constexpr double kTransposing = 7;
  const auto vectors = [&](Index rows, Index columns) {
    return static_cast<double>(rows) * static_cast<double>(columns) / static_cast<double>(kernel.lanes);
  };
  const auto products = static_cast<double>(p.a.rows * p.a.columns * quotient_up(p.b.columns, kernel.lanes));
  return products / 2 + vectors(p.b.rows, p.b.columns) * (p.b.is_transposed ? kTransposing : kCopying) +
         vectors(p.a.rows, p.b.columns) * (p.turned ? kTransposing : 0);
}

template <typename Factor>
class Multiplication {
 public:
  Multiplication(const Product<Factor>& product, const Kernel<Factor>& kernel)
      : p_(product),
        kernel_(kernel),
        tiles_(quotient_up(p_.a.rows, kernel.rows)),
        rows_(p_.a.rows / tiles_),
        higher_(p_.a.rows % tiles_) {}

  void run() const {
    const Index widest = 2 * kernel_.lanes;
    const Index at_a_time = std::max(kMostPacked / p_.b.rows / widest, Index{1}) * widest;
    for (Index first = 0; first < p_.b.columns; first += at_a_time) {
      run(first, std::min(at_a_time, p_.b.columns - first));
    }
  }

 private:
  /// Rows of a factor as the kernel takes them.
  struct Rows {
    const Factor* first;
    Index pitch;
  };
  struct Panel {
    Index first_column;
    Index columns;
    Index width;  // in vectors, the last of which may go beyond the columns
    bool is_packed;
    Rows b;
  };
  /// Buffers of a thread, kept for its next products.
  struct Buffers {
    std::vector<Panel> panels;
    std::vector<Factor> a, b;
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

  Index first_row(Index tile) const { return tile * rows_ + std::min(tile, higher_); }

  /// Columns [first, first + columns) of c.
  void run(Index first, Index columns) const {
    const Index widest = 2 * kernel_.lanes;
    const Index count = quotient_up(columns, widest);
    Factor* const packed = room(buffers().b, count * widest * p_.b.rows);
    std::vector<Panel>& panels = buffers().panels;
    panels.clear();
    for (Index begin = first; begin < first + columns; begin += widest) {
      const Index own = std::min(widest, first + columns - begin);
      const Index width = quotient_up(own, kernel_.lanes);
      const bool is_packed = p_.b.is_transposed || tiles_ > kFewTiles || own < width * kernel_.lanes ||
                             (collides<Factor>(p_.b.pitch) && p_.b.rows > kFewRows);
      panels.push_back({begin, own, width, is_packed,
                        is_packed ? Rows{packed + (begin - first) * p_.b.rows, width * kernel_.lanes}
                                  : Rows{p_.b.at(0, begin), p_.b.pitch}});
    }
    for_each_part(
        count, [&](Index i) { pack(panels[static_cast<std::size_t>(i)], packed + i * widest * p_.b.rows); });

    // A panel stays in the cache for all tiles of a group, or where there are few terms a tile's rows for all
    // panels.
    const bool by_rows = p_.a.columns <= kFewTerms && !p_.turned;
    const Index groups = quotient_up(tiles_, kGroup);
    const Index shares = groups >= threads() ? 1 : std::min<Index>(threads(), count);
    for_each_part(groups * shares, [&](Index part) {
      const Index group = part / shares;
      const Index share = part % shares;
      const Index first_tile = tiles_ * group / groups;
      const Index last_tile = tiles_ * (group + 1) / groups;
      const std::span<const Panel> mine = std::span<const Panel>(panels).subspan(
          static_cast<std::size_t>(count * share / shares),
          static_cast<std::size_t>(count * (share + 1) / shares - count * share / shares));
      const Rows a = rows_of_a(first_tile, last_tile);
      const Index step = by_rows ? 1 : last_tile - first_tile;
      for (Index tile = first_tile; tile < last_tile; tile += step) {
        for (const Panel& panel : mine) multiply(first_tile, tile, tile + step, a, panel);
      }
    });
  }

  void pack(const Panel& panel, Factor* to) const {
    if (!panel.is_packed) return;
    const Index pitch = panel.b.pitch;
    if (panel.columns < pitch) std::fill_n(to, pitch * p_.b.rows, Factor(0));
    const Factor* const from = p_.b.at(0, panel.first_column);
    if (p_.b.is_transposed) {
      kernel_.transpose(from, p_.b.pitch, panel.columns, p_.b.rows, to, pitch);
    } else {
      kernel_.copy(from, p_.b.pitch, p_.b.rows, panel.columns, to, pitch);
    }
  }

  /// Of tiles [first, last). Where the distance of two rows is a power of two they would fall on the same
  /// places of a cache.
  Rows rows_of_a(Index first_tile, Index last_tile) const {
    const Index begin = first_row(first_tile);
    const Index rows = first_row(last_tile) - begin;
    const Index terms = p_.a.columns;
    const Factor* const from = p_.a.at(begin, 0);
    const Index lines = p_.a.is_transposed ? terms : rows;
    const Index length = p_.a.is_transposed ? rows : terms;
    if (lines == 1 || !collides<Factor>(p_.a.pitch)) return {from, p_.a.pitch};
    const Index pitch = quotient_up(length, kernel_.lanes) * kernel_.lanes + kernel_.lanes;
    Factor* const to = room(buffers().a, lines * pitch);
    kernel_.copy(from, p_.a.pitch, lines, length, to, pitch);
    return {to, pitch};
  }

  /// The tiles [first, last) of one panel; `a` begins with the rows of tile `group`.
  void multiply(Index group, Index first, Index last, const Rows& a, const Panel& panel) const {
    const bool by_columns = p_.a.is_transposed;
    const Index begin = first_row(first);
    const Index rows = first_row(last) - begin;
    const Index wide = panel.width * kernel_.lanes;
    const auto& tiles = kernel_.tiles[by_columns ? 1 : 0][panel.width - 1];
    ProductTile<Real, Factor> tile{.a = nullptr,
                                   .a_pitch = a.pitch,
                                   .b = panel.b.first,
                                   .b_pitch = panel.b.pitch,
                                   .terms = 0,
                                   .pieces = 1,
                                   .a_step = 0,
                                   .b_step = 0,
                                   .c = nullptr,
                                   .c_pitch = p_.turned ? wide : p_.c_pitch,
                                   .columns = panel.columns,
                                   .goes_on = false,
                                   .column_bias = nullptr,
                                   .row_bias = nullptr};
    Real* const place =
        p_.turned ? room(buffers().tiles, rows * wide) : p_.c + begin * p_.c_pitch + panel.first_column;
    const Factor* const a_first = a.first + (begin - first_row(group)) * (by_columns ? 1 : a.pitch);
    for (Index k = 0; k < p_.a.columns; k += kTerms) {
      tile.terms = std::min(kTerms, p_.a.columns - k);
      const bool is_last = k + tile.terms == p_.a.columns && p_.bias != nullptr;
      if (is_last && !p_.turned) tile.column_bias = p_.bias + panel.first_column;
      Index row = 0;
      for (Index i = first; i < last; ++i) {
        const Index height = rows_ + (i < higher_ ? 1 : 0);
        tile.a = a_first + (by_columns ? k * a.pitch + row : row * a.pitch + k);
        tile.c = place + row * tile.c_pitch;
        if (is_last && p_.turned) tile.row_bias = p_.bias + begin + row;
        tiles[height - 1](tile);
        row += height;
      }
      tile.b += tile.terms * tile.b_pitch;
      tile.goes_on = true;
    }
    if (p_.turned) {
      kernel_.transpose_results(place, wide, rows, panel.columns,
                                p_.c + panel.first_column * p_.c_pitch + begin, p_.c_pitch);
    }
  }

  const Product<Factor>& p_;
  const Kernel<Factor>& kernel_;
  Index tiles_;   // that stand one below the other
  Index rows_;    // of each
  Index higher_;  // so many, the first, have one more
};

/// c = a b (+ bias for every row).
template <typename Factor>
void multiply(const Operand<Factor>& a, const Operand<Factor>& b, const Real* bias, MatrixView c) {
  const Kernel<Factor>& kernel = product_kernel<Real, Factor>();
  const Product<Factor> product{a, b, bias, c.data(), c.cols(), false};
  const Product<Factor> turned{transpose_of(b), transpose_of(a), bias, c.data(), c.cols(), true};
  Multiplication(cost(turned, kernel) < cost(product, kernel) ? turned : product, kernel).run();
}

}  // namespace

void multiply_forward(ConstMatrixView x, ConstMatrixView w, const Real* bias, MatrixView y) {
  multiply(plain(x), transpose_of(plain(w)), bias, y);
}
void multiply_forward(ConstPairsView x, ConstPairsView w, const Real* bias, MatrixView y) {
  multiply(plain(x), transpose_of(plain(w)), bias, y);
}

void multiply_input_gradient(ConstMatrixView dy, ConstMatrixView w, MatrixView dx) {
  multiply(plain(dy), plain(w), nullptr, dx);
}
void multiply_input_gradient(ConstPairsView dy, ConstPairsView w, MatrixView dx) {
  multiply(plain(dy), plain(w), nullptr, dx);
}

void multiply_weight_gradient(ConstMatrixView dy, Index first, ConstMatrixView x, MatrixView dw) {
  multiply(rows_of_transpose(plain(dy), first, dw.rows()), plain(x), nullptr, dw);
}
void multiply_weight_gradient(ConstPairsView dy, Index first, ConstPairsView x, MatrixView dw) {
  multiply(rows_of_transpose(plain(dy), first, dw.rows()), plain(x), nullptr, dw);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
