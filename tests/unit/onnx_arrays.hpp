#pragma once

#include <algorithm>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/core/index.hpp"

namespace lockstep::test {

using Axes = std::vector<Index>;

/// Numbers along axes, the last of which is dense.
struct Array {
  Axes shape;
  std::vector<double> values;
};

inline Index size_of(const Axes& shape) {
  return std::accumulate(shape.begin(), shape.end(), Index{1}, std::multiplies<>());
}

inline void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

/// An array of this shape, of value(place along each axis).
template <typename Value>
Array array_of(const Axes& shape, const Value& value) {
  Array result{shape, {}};
  Axes place(shape.size(), 0);
  for (Index i = 0; i < size_of(shape); ++i) {
    result.values.push_back(value(place));
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++place[axis] < shape[axis]) break;
      place[axis] = 0;
    }
  }
  return result;
}

/// The value at `place`, whose last axes are those of `x`; an axis of one counts for all.
inline double at(const Array& x, const Axes& place) {
  Index position = 0;
  const std::size_t first = place.size() - x.shape.size();
  for (std::size_t axis = 0; axis < x.shape.size(); ++axis) {
    position = position * x.shape[axis] + (x.shape[axis] == 1 ? 0 : place[first + axis]);
  }
  return x.values.at(static_cast<std::size_t>(position));
}

inline Array broadcast(const std::vector<Array>& x,
                       const std::function<double(const std::vector<double>&)>& f) {
  Axes shape;
  for (const Array& one : x) {
    Axes other = one.shape;
    if (other.size() > shape.size()) std::swap(shape, other);
    for (std::size_t i = 1; i <= other.size(); ++i) {
      Index& extent = shape[shape.size() - i];
      const Index own = other[other.size() - i];
      require(extent == own || extent == 1 || own == 1, "shapes that do not go together");
      extent = std::max(extent, own);
    }
  }
  return array_of(shape, [&](const Axes& place) {
    std::vector<double> values;
    for (const Array& one : x) values.push_back(at(one, place));
    return f(values);
  });
}

}  // namespace lockstep::test
