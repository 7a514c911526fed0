#include "onnx_evaluator.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <stdexcept>

#include "protobuf_reader.hpp"

namespace lockstep::test {

namespace {

class Evaluator {
 public:
  Evaluator(const ReadMessage& node, std::vector<Array> x) : type_(node.text(4)), x_(std::move(x)) {
    for (const ReadMessage& attribute : node.messages(5)) {
      const std::string name = attribute.text(1);
      switch (attribute.number(20)) {
        case 1:
          real_ = values_of<float>(attribute.text(2)).at(0);
          break;
        case 2:
          lists_[name] = attribute.numbers(3);
          break;
        default:
          lists_[name] = attribute.numbers(8);
      }
    }
  }

  Array run() const {
    const auto found = element_wise().find(type_);
    if (found != element_wise().end()) return broadcast(x_, found->second);
    if (type_ == "Clip")
      return with_alpha([&](double v, double) { return std::clamp(v, number(1), number(2)); });
    if (type_ == "LeakyRelu") return with_alpha([](double v, double alpha) { return v < 0 ? alpha * v : v; });
    if (type_ == "Cast") {
      return list("to") == Axes{7} ? with_alpha([](double v, double) { return std::trunc(v); }) : x_[0];
    }
    if (type_ == "ReduceMean" || type_ == "Softmax") return along_last();
    if (type_ == "Gemm") return gemm();
    if (type_ == "MatMul") return product();
    if (type_ == "Concat") return joined();
    if (type_ == "Gather") return gather();
    if (type_ == "Reshape") return reshaped();
    if (type_ == "Transpose") return transposed();
    if (type_ == "Slice") return sliced();
    if (type_ == "Pad") return padded();
    if (type_ == "BatchNormalization") return batch_normalized();
    if (type_ == "GlobalAveragePool") return windows({x_[0].shape[2], x_[0].shape[3]});
    if (type_ == "Conv" || type_ == "MaxPool" || type_ == "AveragePool") return windows(list("kernel_shape"));
    throw std::runtime_error("an operator that is not known: " + type_);
  }

 private:
  using Function = std::function<double(const std::vector<double>&)>;

  static const std::map<std::string, Function>& element_wise() {
    using V = const std::vector<double>&;
    static const std::map<std::string, Function> all = {
        {"Add", [](V v) { return v.at(0) + v.at(1); }},
        {"Sub", [](V v) { return v.at(0) - v.at(1); }},
        {"Mul", [](V v) { return v.at(0) * v.at(1); }},
        {"Div", [](V v) { return v.at(0) / v.at(1); }},
        {"Sum", [](V v) { return std::accumulate(v.begin(), v.end(), 0.0); }},
        {"Where", [](V v) { return v.at(0) != 0 ? v.at(1) : v.at(2); }},
        {"IsNaN", [](V v) { return std::isnan(v[0]) ? 1.0 : 0.0; }},
        {"Identity", [](V v) { return v[0]; }},
        {"Sqrt", [](V v) { return std::sqrt(v[0]); }},
        {"Erf", [](V v) { return std::erf(v[0]); }},
        {"Relu", [](V v) { return std::max(v[0], 0.0); }},
        {"Tanh", [](V v) { return std::tanh(v[0]); }},
        {"Sigmoid", [](V v) { return 1 / (1 + std::exp(-v[0])); }},
        {"Softplus", [](V v) { return std::log1p(std::exp(v[0])); }}};
    return all;
  }

  Array with_alpha(const std::function<double(double, double)>& f) const {
    return broadcast({x_[0]}, [&](const std::vector<double>& v) { return f(v[0], real_); });
  }

  Axes list(const std::string& name) const { return lists_.at(name); }
  Axes list(const std::string& name, const Axes& otherwise) const {
    return lists_.contains(name) ? lists_.at(name) : otherwise;
  }
  double number(std::size_t input) const { return x_.at(input).values.at(0); }
  Axes whole_numbers(std::size_t input) const {
    return {x_.at(input).values.begin(), x_.at(input).values.end()};
  }

  Array along_last() const {
    const bool is_mean = type_ == "ReduceMean";
    require(list(is_mean ? "axes" : "axis") == Axes{-1}, "another axis than the last");
    Array y = x_[0];
    const Index count = y.shape.back();
    if (is_mean) y = {{x_[0].shape.begin(), x_[0].shape.end() - 1}, {}};
    if (is_mean) y.shape.push_back(1);
    for (auto begin = x_[0].values.begin(); begin != x_[0].values.end(); begin += count) {
      if (is_mean) {
        y.values.push_back(std::accumulate(begin, begin + count, 0.0) / static_cast<double>(count));
        continue;
      }
      double sum = 0;
      for (Index i = 0; i < count; ++i) sum += std::exp(begin[i]);
      const auto to = y.values.begin() + (begin - x_[0].values.begin());
      for (Index i = 0; i < count; ++i) to[i] = std::exp(begin[i]) / sum;
    }
    return y;
  }

  Array gemm() const {
    require(list("transB") == Axes{1} && x_[0].shape.size() == 2, "another product");
    require(x_[0].shape[1] == x_[1].shape.at(1), "matrices that do not go together");
    return array_of({x_[0].shape[0], x_[1].shape.at(0)}, [&](const Axes& place) {
      double sum = at(x_.at(2), place);
      for (Index k = 0; k < x_[0].shape[1]; ++k) sum += at(x_[0], {place[0], k}) * at(x_[1], {place[1], k});
      return sum;
    });
  }

  Array product() const {
    require(x_[0].shape.size() == 2 && x_[0].shape[1] == x_[1].shape.at(0),
            "matrices that do not go together");
    return array_of({x_[0].shape[0], x_[1].shape.at(1)}, [&](const Axes& place) {
      double sum = 0;
      for (Index k = 0; k < x_[0].shape[1]; ++k) sum += at(x_[0], {place[0], k}) * at(x_[1], {k, place[1]});
      return sum;
    });
  }

  /// Matrices side by side.
  Array joined() const {
    const auto axis = static_cast<std::size_t>(list("axis").at(0));
    Axes shape = x_[0].shape;
    shape.at(axis) = 0;
    for (const Array& x : x_) shape[axis] += x.shape.at(axis);
    return array_of(shape, [&](Axes place) {
      auto x = x_.begin();
      for (; place[axis] >= x->shape[axis]; ++x) place[axis] -= x->shape[axis];
      return at(*x, place);
    });
  }

  Array gather() const {
    Axes shape = x_[1].shape;
    shape.push_back(x_[0].shape.at(1));
    return array_of(shape, [&](Axes place) {
      const Index value = place.back();
      place.pop_back();
      return at(x_[0], {static_cast<Index>(at(x_[1], place)), value});
    });
  }

  Array reshaped() const {
    Axes shape = whole_numbers(1);
    for (std::size_t i = 0; i < shape.size(); ++i) shape[i] = shape[i] == 0 ? x_[0].shape.at(i) : shape[i];
    require(size_of(shape) == size_of(x_[0].shape), "another number of values");
    return {shape, x_[0].values};
  }

  Array transposed() const {
    Axes shape;
    for (const Index axis : list("perm")) shape.push_back(x_[0].shape.at(static_cast<std::size_t>(axis)));
    return array_of(shape, [&](const Axes& place) {
      Axes from(place.size());
      for (std::size_t i = 0; i < place.size(); ++i)
        from[static_cast<std::size_t>(list("perm")[i])] = place[i];
      return at(x_[0], from);
    });
  }

  Array sliced() const {
    Axes shape = x_[0].shape;
    const Axes start = whole_numbers(1), end = whole_numbers(2), axes = whole_numbers(3),
               step = whole_numbers(4);
    for (std::size_t i = 0; i < axes.size(); ++i) {
      shape.at(static_cast<std::size_t>(axes[i])) = (end[i] - start[i] + step[i] - 1) / step[i];
    }
    return array_of(shape, [&](Axes place) {
      for (std::size_t i = 0; i < axes.size(); ++i) {
        Index& along = place[static_cast<std::size_t>(axes[i])];
        along = start[i] + along * step[i];
      }
      return at(x_[0], place);
    });
  }

  Array padded() const {
    const Axes pads = whole_numbers(1);
    const std::size_t axes = x_[0].shape.size();
    Axes shape = x_[0].shape;
    for (std::size_t i = 0; i < axes; ++i) shape[i] += pads.at(i) + pads.at(axes + i);
    return array_of(shape, [&](Axes place) {
      bool is_inside = true;
      for (std::size_t i = 0; i < axes; ++i) {
        place[i] -= pads[i];
        is_inside = is_inside && place[i] >= 0 && place[i] < x_[0].shape[i];
      }
      return is_inside ? at(x_[0], place) : 0.0;
    });
  }

  Array batch_normalized() const {
    return array_of(x_[0].shape, [&](const Axes& place) {
      const auto of_channel = [&](std::size_t input) { return at(x_.at(input), {place[1]}); };
      return (at(x_[0], place) - of_channel(3)) / std::sqrt(of_channel(4) + real_) * of_channel(1) +
             of_channel(2);
    });
  }

  /// Convolution and pooling over pictures [N, channels, height, width].
  Array windows(const Axes& size) const {
    const Axes pads = list("pads", {0, 0, 0, 0});
    const Axes strides = list("strides", {1, 1});
    const Axes dilations = list("dilations", {1, 1});
    const Axes& picture = x_[0].shape;
    const bool is_conv = type_ == "Conv";
    const Index groups = list("group", {1})[0];
    const Index depth = is_conv ? x_.at(1).shape.at(1) : 1;
    const Index outputs = is_conv ? x_.at(1).shape.at(0) : picture.at(1);
    require(!is_conv || depth * groups == picture.at(1), "channels that do not go together");
    require(type_ != "AveragePool" || pads == Axes{0, 0, 0, 0}, "a mean that may leave the pad out");
    const auto extent = [&](std::size_t i) {
      return (picture.at(2 + i) + pads[i] + pads[2 + i] - dilations[i] * (size[i] - 1) - 1) / strides[i] + 1;
    };
    return array_of({picture.at(0), outputs, extent(0), extent(1)}, [&](const Axes& place) {
      double largest = -std::numeric_limits<double>::infinity();
      double sum = is_conv && x_.size() > 2 ? at(x_[2], {place[1]}) : 0.0;
      for (Index c = 0; c < depth; ++c) {
        for (Index p = 0; p < size[0]; ++p) {
          for (Index q = 0; q < size[1]; ++q) {
            const Index row = place[2] * strides[0] + p * dilations[0] - pads[0];
            const Index column = place[3] * strides[1] + q * dilations[1] - pads[1];
            if (row < 0 || row >= picture[2] || column < 0 || column >= picture[3]) continue;
            const Index channel = is_conv ? place[1] / (outputs / groups) * depth + c : place[1];
            const double value = at(x_[0], {place[0], channel, row, column});
            largest = std::max(largest, value);
            sum += is_conv ? value * at(x_[1], {place[1], c, p, q}) : value;
          }
        }
      }
      if (type_ == "MaxPool") return largest;
      return is_conv ? sum : sum / static_cast<double>(size[0] * size[1]);
    });
  }

  std::string type_;
  std::vector<Array> x_;
  std::map<std::string, Axes> lists_;
  double real_ = 0;
};

Array constant_of(const ReadMessage& tensor) {
  Array array{tensor.numbers(1), {}};
  const auto assign = [&](const auto& values) { array.values.assign(values.begin(), values.end()); };
  switch (tensor.number(2)) {
    case 1:
      assign(values_of<float>(tensor.text(9)));
      break;
    case 7:
      assign(values_of<std::int64_t>(tensor.text(9)));
      break;
    case 11:
      assign(values_of<double>(tensor.text(10)));
      break;
    default:
      throw std::runtime_error("a constant of another type");
  }
  require(std::ssize(array.values) == size_of(array.shape), "a constant of another size");
  return array;
}

}  // namespace

Array evaluate_onnx(std::string_view file, const Array& input) {
  const ReadMessage graph = ReadMessage(file).message(7);
  std::map<std::string, Array> values = {{graph.message(11).text(1), input}};
  for (const ReadMessage& tensor : graph.messages(5)) values[tensor.text(8)] = constant_of(tensor);
  for (const ReadMessage& node : graph.messages(1)) {
    std::vector<Array> x;
    for (const std::string& name : node.texts(1)) x.push_back(values.at(name));
    require(values.emplace(node.text(2), Evaluator(node, std::move(x)).run()).second, "a name twice");
  }
  return values.at(graph.message(12).text(1));
}

}  // namespace lockstep::test
