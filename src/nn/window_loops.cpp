#include "nn/window_loops.hpp"

#include "nn/vector.hpp"

namespace lockstep {

namespace {

/// A place in a window for each lane of a Vector<T>.
template <typename T>
using Places = FactorVector<T, std::uint32_t>;

/// Lanes of one window: all that there are, as a constant, or the last channels.
template <typename T>
struct AllLanes {
  LOCKSTEP_INLINE Vector<T> get(const T* from) const { return load(from); }
  LOCKSTEP_INLINE void put(T* to, Vector<T> v) const { store(to, v); }
  LOCKSTEP_INLINE Places<T> get_places(const std::uint32_t* from) const { return load_as<Places<T>>(from); }
  LOCKSTEP_INLINE void put_places(std::uint32_t* to, Places<T> v) const {
    __builtin_memcpy(to, &v, sizeof(v));
  }
};
template <typename T>
struct SomeLanes {
  int count;

  LOCKSTEP_INLINE Vector<T> get(const T* from) const { return load_first(from, count); }
  LOCKSTEP_INLINE void put(T* to, Vector<T> v) const { store_first(to, v, count); }
  LOCKSTEP_INLINE Places<T> get_places(const std::uint32_t* from) const {
    Places<T> v{};
    for (int i = 0; i < count; ++i) v[i] = from[i];
    return v;
  }
  LOCKSTEP_INLINE void put_places(std::uint32_t* to, Places<T> v) const {
    for (int i = 0; i < count; ++i) to[i] = v[i];
  }
};

/// Calls work(lanes, where its first pixel is, where its results are) for all lanes of all windows.
template <typename T, typename Work>
LOCKSTEP_INLINE void for_each_vector(const WindowRun& run, const Work& work) {
  for (Index window = 0; window < run.windows; ++window) {
    const Index first = window * run.step;
    const Index results = window * run.channels;
    Index channel = 0;
    for (; channel + kLanes<T> <= run.channels; channel += kLanes<T>) {
      work(AllLanes<T>{}, first + channel, results + channel);
    }
    if (channel < run.channels) {
      work(SomeLanes<T>{static_cast<int>(run.channels - channel)}, first + channel, results + channel);
    }
  }
}

/// Calls pixel(its place in the window, its offset from the first) for what a window sees.
template <typename Pixel>
LOCKSTEP_INLINE void for_each_pixel(const WindowRun& run, const Pixel& pixel) {
  for (Index row = run.first_row; row < run.last_row; ++row) {
    Index offset = (row - run.first_row) * run.row_step;
    for (Index column = run.first_column; column < run.last_column; ++column, offset += run.channels) {
      pixel(static_cast<std::uint32_t>(row * run.size + column), offset);
    }
  }
}

template <typename T>
void take_largest(const WindowRun& run, const T* x, T* largest, std::uint32_t* chosen) {
  for_each_vector<T>(run, [&](const auto& lanes, Index first, Index result) {
    Vector<T> values = lanes.get(x + first);
    Places<T> places = Places<T>{} + static_cast<std::uint32_t>(run.first_row * run.size + run.first_column);
    for_each_pixel(run, [&](std::uint32_t place, Index offset) {
      const Vector<T> value = lanes.get(x + first + offset);
      const auto is_larger = (value > values) | (value != value);  // NOLINT(misc-redundant-expression): NaN
      values = is_larger ? value : values;
      const auto changes = __builtin_convertvector(is_larger, Places<T>);
      places = (changes & place) | (~changes & places);
    });
    lanes.put(largest + result, values);
    lanes.put_places(chosen + result, places);
  });
}

template <typename T>
void add_chosen(const WindowRun& run, const T* dy, const std::uint32_t* chosen, T* dx) {
  for_each_vector<T>(run, [&](const auto& lanes, Index first, Index result) {
    const Vector<T> by_result = lanes.get(dy + result);
    const Places<T> places = lanes.get_places(chosen + result);
    for_each_pixel(run, [&](std::uint32_t place, Index offset) {
      T* const pixel = dx + first + offset;
      const auto is_chosen = __builtin_convertvector(places == place, typename VectorOf<T>::Lanes);
      lanes.put(pixel, lanes.get(pixel) + (is_chosen != 0 ? by_result : Vector<T>{}));
    });
  });
}

template <typename T>
void take_means(const WindowRun& run, const T* x, T divisor, T* means) {
  for_each_vector<T>(run, [&](const auto& lanes, Index first, Index result) {
    Vector<T> sums{};
    for_each_pixel(run,
                   [&](std::uint32_t /*place*/, Index offset) { sums += lanes.get(x + first + offset); });
    lanes.put(means + result, sums / divisor);
  });
}

template <typename T>
void add_parts(const WindowRun& run, const T* dy, T divisor, T* dx) {
  for_each_vector<T>(run, [&](const auto& lanes, Index first, Index result) {
    const Vector<T> part = lanes.get(dy + result) / divisor;
    for_each_pixel(run, [&](std::uint32_t /*place*/, Index offset) {
      T* const pixel = dx + first + offset;
      lanes.put(pixel, lanes.get(pixel) + part);
    });
  });
}

template <typename T>
constexpr WindowLoops<T> kLoops{take_largest<T>, add_chosen<T>, take_means<T>, add_parts<T>};

}  // namespace

template <>
const WindowLoops<float>& window_loops_of<float, LOCKSTEP_UNIT>() {
  return kLoops<float>;
}
template <>
const WindowLoops<double>& window_loops_of<double, LOCKSTEP_UNIT>() {
  return kLoops<double>;
}

}  // namespace lockstep
