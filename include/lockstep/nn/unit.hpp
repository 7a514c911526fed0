#pragma once

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lockstep/nn/matrix.hpp"
#include "lockstep/nn/operator_graph.hpp"
#include "lockstep/nn/parameter_layout.hpp"
#include "lockstep/nn/row_block.hpp"
#include "lockstep/nn/shape.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// Writes the gradient of some range of parameters for one micro-batch: all values of the range.
using WriteGradient = std::function<void(const MicroBatchRows& rows, Real* gradient)>;
/// The same, or where `adds`, adds it to what stands there.
using AddGradient = std::function<void(const MicroBatchRows& rows, Real* gradient, bool adds)>;

/// The same for a range that most micro-batches leave at zero, as a text does most words of an embedding:
/// returns false there, and has written nothing.
using WriteSparseGradient = std::function<bool(const MicroBatchRows& rows, Real* gradient)>;

/// Takes gradients as units produce them, last unit first. A unit hands its parameters in as ranges that
/// are small enough for a cache, each once a block and for all micro-batches, so that they can be summed
/// while they are at hand.
class GradientSink {
 public:
  virtual ~GradientSink() = default;

  /// Calls `write` for each micro-batch of `block` in rising order, and adds up what it writes. Threads may
  /// call this at the same time for different ranges.
  virtual void add(const RowBlock& block, ParameterRange range, const WriteGradient& write) = 0;

  /// As `add`, of a `write` that can also add to what stands where it writes, which spares a sink the time to
  /// do so.
  virtual void add_in_place(const RowBlock& block, ParameterRange range, const AddGradient& write) {
    const auto plain = [&](const MicroBatchRows& rows, Real* gradient) { write(rows, gradient, false); };
    add(block, range, std::ref(plain));
  }

  /// The same sums as with `add` and zeros in the place of what is not written; a sink may spare the time for
  /// those.
  virtual void add_sparse(const RowBlock& block, ParameterRange range, const WriteSparseGradient& write) {
    const auto dense = [&](const MicroBatchRows& rows, Real* gradient) {
      if (!write(rows, gradient)) std::fill_n(gradient, range.size, Real(0));
    };
    add(block, range, std::ref(dense));
  }

  /// The whole of `range`, all parameters of one unit, is added for this block.
  virtual void done(ParameterRange /*range*/) {}
};

/// What a unit makes of its input's sign and size, for choosing how weights before it start: it passes them
/// on (dropout), maps negative inputs (nearly) to zero as the rectifiers of He et al. do, or something else.
enum class Response { kPassesOn, kRectifies, kOther };

/// What a unit is by its work, for telling where the time of a step goes.
enum class UnitKind : std::size_t {
  kConvolution,
  kLinear,
  kNormalization,
  kPooling,
  kActivation,
  kOther,
};

/// The inputs of a unit, [rows x values] each, and the gradients by them. A gradient that nobody needs, by
/// the network's own input, has no rows.
using Inputs = std::span<const ConstMatrixView>;
using InputGradients = std::span<const MatrixView>;

/// An operation of a network. `forward` and `backward` see the same block; results of a micro-batch depend on
/// that micro-batch alone, and on RowBlock::batch where needs_whole_batch.
class Unit {
 public:
  virtual ~Unit() = default;

  /// As the configuration writes it, with every number: "linear 128".
  virtual std::string text() const = 0;

  /// Fits the unit to the shapes of its inputs, one unless it joins several, and returns that of its output.
  /// Called once, before anything else. Errors: shapes that it cannot take, without the unit's name, which
  /// the network adds.
  virtual Shape connect(std::span<const Shape> inputs) = 0;

  /// The tensors that it learns, in the order in which they stand in its parameters.
  virtual std::vector<TensorSpec> tensors() const { return {}; }

  /// Tells the unit its number in the network, and where its parameters stand in the parameter vector.
  virtual void place(std::size_t /*number*/, ParameterRange /*range*/) {}

  /// Tells the unit where its own parameters are: one tensor after another.
  virtual void bind(const Real* /*parameters*/) {}

  /// Whether its input number `input` is numbers of categories, and not real numbers.
  virtual bool takes_categories(std::size_t /*input*/) const { return false; }

  // State that is not learned, as running means are: it changes once a step, by sums over all samples of the
  // global batch, which are added up by the same tree as gradients. It goes with the weights into files and
  // checkpoints, and is the same on every rank.

  /// The tensors of that state, of role kStatistic, in the order in which they stand in it.
  virtual std::vector<TensorSpec> statistics() const { return {}; }

  /// Tells the unit where its own statistics are: one tensor after another.
  virtual void bind_statistics(Real* /*statistics*/) {}

  /// How many sums over the samples it needs to bring them up to date.
  virtual Index sums() const { return 0; }

  /// Writes the sums over the samples of one micro-batch of the last forward.
  virtual void write_sums(const MicroBatchRows& /*rows*/, Inputs /*x*/, ConstMatrixView /*y*/,
                          std::span<double> /*sums*/) const {}

  /// Brings the statistics up to date after a step on `samples` samples, over which `sums` are. A step that
  /// is skipped leaves them as they are.
  virtual void update_statistics(std::span<const double> /*sums*/, Index /*samples*/) {}

  virtual Response response() const { return Response::kOther; }

  virtual UnitKind kind() const { return UnitKind::kOther; }

  /// Whether it is y = x wᵀ + b with the tensors w [outputs x inputs] and b [outputs], and nothing else.
  virtual bool is_affine() const { return false; }

  /// Whether it draws random numbers in training.
  virtual bool is_random() const { return false; }

  /// Whether in training a row of its output depends on other rows of the micro-batch.
  virtual bool mixes_samples() const { return false; }

  /// Whether in training it asks for RowBlock::batch, in forward and backward. The block holds all rows of
  /// its rank then, which may be none.
  virtual bool needs_whole_batch() const { return false; }

  /// Whether y may stand in the memory of its first input, and the gradient by that in the memory of dy:
  /// backward and write_sums look at y, and not at that input. It follows_rows too.
  virtual bool works_in_place() const { return false; }

  /// Whether forward and backward may be called for some rows at a time, by several threads, right after or
  /// before the unit that comes before it has computed with these. It takes what it needs from the views that
  /// it is given, the first row of which is RowBlock::first_row.
  virtual bool follows_rows() const { return works_in_place(); }

  /// Whether backward or write_sums look at y.
  virtual bool reads_output() const { return true; }

  /// Whether it goes through its rows a few at a time, and calls RowBlock::start in backward and
  /// RowBlock::finish in both passes, so that what comes right before and after is done to rows that are in
  /// the cache.
  virtual bool goes_by_rows() const { return false; }

  /// Called before forward, by one thread, with all rows.
  virtual void prepare(const RowBlock& /*block*/) {}

  /// y = f(x), [rows x values].
  virtual void forward(const RowBlock& block, Inputs x, MatrixView y) = 0;

  /// dx = gradient of the loss by x, from dy = gradient by y; parameter gradients go to `sink`.
  virtual void backward(const RowBlock& block, Inputs x, ConstMatrixView y, ConstMatrixView dy,
                        InputGradients dx, GradientSink& sink) = 0;

  /// Adds what it computes of its inputs `x` outside of training to `graph`, and returns the name of the
  /// value that it gives. Errors: what has no such form, as units have that don't say one.
  virtual std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const;
};

}  // namespace lockstep::inline LOCKSTEP_REAL
