#include "lockstep/nn/model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "lockstep/core/error.hpp"
#include "lockstep/core/random.hpp"
#include "lockstep/core/text.hpp"
#include "lockstep/nn/layers.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Whether the first activation after layer `position` rectifies.
bool is_rectified(const std::vector<std::unique_ptr<Layer>>& layers, std::size_t position) {
  for (std::size_t next = position + 1; next < layers.size(); ++next) {
    const std::string text = layers[next]->text();
    if (text.starts_with("dropout") || text == "identity") continue;
    return layers[next]->rectifies();
  }
  return false;
}

/// N(0, scale²), or U(-scale, scale).
struct Distribution {
  bool is_normal;
  double scale;
};

Distribution weight_distribution(Initialization scheme, double fan_in, double fan_out) {
  if (scheme == Initialization::kNormal) return {true, 1};
  if (scheme == Initialization::kHe) return {true, std::sqrt(2 / fan_in)};
  return {false, std::sqrt(6 / (fan_in + fan_out))};
}

/// Element i of tensor number `tensor` is a pure function of (seed, tensor, i).
void draw_weight(std::span<Real> weight, std::uint64_t seed, std::size_t tensor, Distribution distribution) {
  const auto [is_normal, scale] = distribution;
  constexpr std::size_t kDraws = std::tuple_size_v<RandomBits>;
  for (std::size_t first = 0; first < weight.size(); first += kDraws) {
    const RandomBits bits = random_bits(seed, Purpose::kInitialization, {tensor, first / kDraws, 0, 0});
    const std::array<double, kDraws> normals = is_normal ? normal(bits) : std::array<double, kDraws>{};
    for (std::size_t i = 0; i < std::min(kDraws, weight.size() - first); ++i) {
      weight[first + i] = static_cast<Real>(scale * (is_normal ? normals[i] : 2 * uniform(bits[i]) - 1));
    }
  }
}

MatrixView view(std::vector<Real>& storage, Index rows, Index columns) {
  const auto size = static_cast<std::size_t>(rows * columns);
  if (storage.size() < size) storage.resize(size);
  return {storage.data(), rows, columns};
}

/// The layers of `text`, whose tensors come into `layout`.
std::vector<std::unique_ptr<Layer>> make_layers(const std::string& text, Index inputs,
                                                ParameterLayout& layout) {
  if (trim(text).empty()) {
    fail_input("model.layers is empty: expected, for example, 'linear 128, relu, linear 10'");
  }
  std::vector<std::unique_ptr<Layer>> layers;
  Index features = inputs;
  for (const std::string_view one : split(text, ',')) {
    const auto position = static_cast<int>(layers.size());
    layers.push_back(make_layer(one, features, position));
    layers.back()->declare(layout, std::to_string(position));
    features = layers.back()->outputs();
  }
  if (layout.size() == 0) fail_input("model.layers = {}: nothing to train; add a 'linear N'", text);
  return layers;
}

}  // namespace

ParameterLayout layout_of(const std::string& layers, Index inputs) {
  ParameterLayout layout;
  make_layers(layers, inputs, layout);
  return layout;
}

Model::Model(const std::string& layers, Index inputs)
    : inputs_(inputs), layers_(make_layers(layers, inputs, layout_)) {
  own_parameters_.resize(static_cast<std::size_t>(layout_.size()));
  bind(own_parameters_);
  activations_.resize(layers_.size());
}

void Model::bind(std::span<Real> parameters) {
  parameters_ = parameters;
  for (const auto& layer : layers_) layer->bind(parameters_);
}

void Model::use(std::span<Real> memory) {
  LOCKSTEP_CHECK(memory.size() == parameters_.size());
  bind(memory);
  own_parameters_ = {};
}

std::string Model::text() const {
  std::vector<std::string> texts;
  for (const auto& layer : layers_) texts.push_back(layer->text());
  return join(texts);
}

Index Model::outputs() const { return layers_.back()->outputs(); }

void Model::initialize(std::uint64_t seed, Initialization scheme) {
  std::fill(parameters_.begin(), parameters_.end(), Real(0));
  for (std::size_t number = 0; number < layout_.tensors().size(); ++number) {
    const ParameterTensor& tensor = layout_.tensors()[number];
    if (tensor.kind != ParameterKind::kWeight) continue;
    const auto position = static_cast<std::size_t>(*parse_integer(split(tensor.name, '.').front()));
    Initialization chosen = scheme;
    if (scheme == Initialization::kAuto) {
      chosen = is_rectified(layers_, position) ? Initialization::kHe : Initialization::kGlorot;
    }
    draw_weight(parameters_.subspan(tensor.range.offset, tensor.range.size), seed, number,
                weight_distribution(chosen, static_cast<double>(tensor.shape[1]),
                                    static_cast<double>(tensor.shape[0])));
  }
}

Index Model::values_per_row() const {
  Index values = 0;
  Index widest = inputs_;
  for (const auto& layer : layers_) {
    values += layer->outputs();
    widest = std::max(widest, layer->outputs());
  }
  return values + 2 * widest;
}

MatrixView Model::activation(std::size_t layer, Index rows) {
  return view(activations_[layer], rows, layers_[layer]->outputs());
}

ConstMatrixView Model::forward(const RowBlock& block, ConstMatrixView x) {
  LOCKSTEP_CHECK(x.rows() == block.rows() && x.cols() == inputs_);
  const Real* input = x.data();
  Index features = inputs_;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const MatrixView output = activation(i, x.rows());
    layers_[i]->forward(block, ConstMatrixView(input, x.rows(), features), output);
    input = output.data();
    features = output.cols();
  }
  return {input, x.rows(), features};
}

MatrixView Model::output_gradient(Index rows) { return view(gradient_, rows, outputs()); }

void Model::backward(const RowBlock& block, ConstMatrixView x, GradientSink& sink) {
  for (std::size_t i = layers_.size(); i-- > 0;) {
    const Index features = i == 0 ? inputs_ : layers_[i - 1]->outputs();
    const Real* const input = i == 0 ? x.data() : activations_[i - 1].data();
    const MatrixView dx = view(previous_gradient_, i == 0 ? 0 : x.rows(), features);
    layers_[i]->backward(block, ConstMatrixView(input, x.rows(), features),
                         read_only(activation(i, x.rows())),
                         read_only(view(gradient_, x.rows(), layers_[i]->outputs())), dx, sink);
    std::swap(gradient_, previous_gradient_);
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
