// The one file that knows oneDNN; versions 2 and 3 differ in how a primitive is described.

#include <map>
#include <tuple>
#include <unordered_map>

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl.hpp>
#include <oneapi/dnnl/dnnl_debug.h>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/products.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

using dnnl::memory;

/// A matrix [rows x columns], row-major or the transpose of such a one; `pitch` is the distance in memory
/// from row to row (from column to column of a transpose).
struct Operand {
  const Bfloat16* data;
  Index rows;
  Index columns;
  Index pitch;
  bool transposed;

  memory::desc description() const {
    const memory::dims strides = transposed ? memory::dims{1, pitch} : memory::dims{pitch, 1};
    return {{rows, columns}, memory::data_type::bf16, strides};
  }
};

class Engine {
 public:
  Engine() : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) { threads(); }

  /// c = a b (+ bias for every row), with primitives kept by shape.
  void multiply(const Operand& a, const Operand& b, const float* bias, float* c) {
    Product& product =
        products_[{a.rows, a.columns, b.columns, a.pitch, a.transposed, b.transposed, bias != nullptr}];
    if (!product.primitive) product = make_product(a, b, bias != nullptr);
    product.a.set_data_handle(const_cast<Bfloat16*>(a.data));
    product.b.set_data_handle(const_cast<Bfloat16*>(b.data));
    product.c.set_data_handle(c);
    if (bias != nullptr) product.bias.set_data_handle(const_cast<float*>(bias));
    product.primitive.execute(stream_, product.arguments);
    stream_.wait();
  }

 private:
  using Key = std::tuple<Index, Index, Index, Index, bool, bool, bool>;
  struct Product {
    dnnl::matmul primitive;
    memory a, b, bias, c;
    std::unordered_map<int, memory> arguments;
  };

  template <typename... Descriptions>
  dnnl::matmul::primitive_desc describe(const Descriptions&... descriptions) {
#if DNNL_VERSION_MAJOR >= 3
    return {engine_, descriptions...};
#else
    return {dnnl::matmul::desc(descriptions...), engine_};
#endif
  }

  Product make_product(const Operand& a, const Operand& b, bool with_bias) {
    const memory::desc a_description = a.description();
    const memory::desc b_description = b.description();
    const memory::desc c_description({a.rows, b.columns}, memory::data_type::f32, memory::format_tag::ab);
    const memory::desc bias_description({1, b.columns}, memory::data_type::f32, memory::format_tag::ab);
    const auto primitive = with_bias ? describe(a_description, b_description, bias_description, c_description)
                                     : describe(a_description, b_description, c_description);
    Product product{.primitive = dnnl::matmul(primitive),
                    .a = memory(a_description, engine_, nullptr),
                    .b = memory(b_description, engine_, nullptr),
                    .bias = with_bias ? memory(bias_description, engine_, nullptr) : memory(),
                    .c = memory(c_description, engine_, nullptr),
                    .arguments = {}};
    product.arguments = {{DNNL_ARG_SRC, product.a}, {DNNL_ARG_WEIGHTS, product.b}, {DNNL_ARG_DST, product.c}};
    if (with_bias) product.arguments.emplace(DNNL_ARG_BIAS, product.bias);
    return product;
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  std::map<Key, Product> products_;
};

Engine& engine() {
  thread_local Engine engine;
  return engine;
}

Operand plain(ConstBfloat16View m) { return {m.data(), m.rows(), m.cols(), m.cols(), false}; }
Operand transposed(ConstBfloat16View m) { return {m.data(), m.cols(), m.rows(), m.cols(), true}; }
/// The transpose of columns [first, first + count).
Operand transposed_columns(ConstBfloat16View m, Index first, Index count) {
  return {m.data() + first, count, m.rows(), m.cols(), true};
}

}  // namespace

void multiply_forward(ConstBfloat16View x, ConstBfloat16View w, const Real* bias, MatrixView y) {
  engine().multiply(plain(x), transposed(w), bias, y.data());
}

void multiply_input_gradient(ConstBfloat16View dy, ConstBfloat16View w, MatrixView dx) {
  engine().multiply(plain(dy), plain(w), nullptr, dx.data());
}

void multiply_weight_gradient(ConstBfloat16View dy, Index first, ConstBfloat16View x, MatrixView dw) {
  engine().multiply(transposed_columns(dy, first, dw.rows()), plain(x), nullptr, dw.data());
}

std::string bfloat16_obstacle() {
  const auto available = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto needed = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return (available & needed) == needed ? "" : "this CPU has no products of bfloat16 (AVX512_BF16)";
}

std::string bfloat16_library() {
  const dnnl_version_t* version = dnnl::version();
  const std::string unit = dnnl_cpu_isa2str(static_cast<dnnl_cpu_isa_t>(dnnl::get_effective_cpu_isa()));
  const std::string prefix = "cpu_isa_";
  return fmt::format("oneDNN {}.{}.{}, {}", version->major, version->minor, version->patch,
                     unit.starts_with(prefix) ? unit.substr(prefix.size()) : unit);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
