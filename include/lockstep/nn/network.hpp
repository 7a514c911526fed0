#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/nn/initialization.hpp"
#include "lockstep/nn/unit.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

/// A way through the network.
enum class Pass { kForward, kBackward };

/// A graph of units over one contiguous parameter vector. Units are added in the order in which they compute,
/// each behind the one before, in groups, residuals and branches that nest as torch.nn.Sequential do: the
/// tensor "3.0.weight" is the weight of the first unit in the group at position 3. A label takes the place of
/// a position. Everything here is local.
class Network {
 public:
  /// Adds units to the network that it is given.
  using Part = std::function<void(Network& network)>;

  /// The outline of a network whose samples have no shape yet: it takes units, and has a text and nothing
  /// else.
  Network() = default;
  /// Without units yet, for samples of shape `sample`.
  explicit Network(Shape sample);
  /// From text such as "linear 128, relu, linear 10", in which `blocks` may define words of its own, as
  /// "wide n: linear n, relu" (configs/README.md has the whole notation).
  /// Errors: text that is none; those of make_unit; nothing to train.
  Network(const std::string& text, Shape sample, const std::string& blocks = {});

  /// Adds a unit behind the last one. Errors: an input that it cannot take; a label that is none, or given
  /// twice.
  Network& add(std::unique_ptr<Unit> unit, const std::string& label = {});
  /// Adds units in a group of their own. Errors: no unit in it; the label's.
  Network& group(const Part& inner, const std::string& label = {});
  /// The same, but their outputs, except for the last, are not kept for the backward pass, which computes
  /// them anew, with the same bits: less memory for more time. Source: Chen et al.: Training deep nets with
  /// sublinear memory cost, arXiv 1604.06174. Errors: as there; inside of another.
  Network& recompute(const Part& inner, const std::string& label = {});
  /// Adds the sum of `branch` and of `skip`, or of the input itself where there is none. Their tensors are
  /// called "3.0.weight" and "3.skip.0.weight". Source: He et al.: Deep residual learning, arXiv 1512.03385.
  /// Errors: no unit in the branch; branches of different shapes; the label's.
  Network& residual(const Part& branch, const Part& skip = {}, const std::string& label = {});

  /// One of several parts of a network that take in the same, in a group of its own.
  struct Branch {
    Part units;
    std::string label = {};
  };
  /// Adds what `branches` make of one input, joined along their channels as concat() does, or their sum. The
  /// tensor "3.0.1.weight" is that of the second unit in the first branch of the join at position 3, as of a
  /// torch.nn.ModuleList of torch.nn.Sequential. Gradients by the input are added from the last branch to the
  /// first. Errors: fewer than two branches, or one without units; shapes that do not fit; the labels'.
  /// Source: Szegedy et al.: Going deeper with convolutions, arXiv 1409.4842.
  Network& concat_branches(const std::vector<Branch>& branches, const std::string& label = {});
  Network& add_branches(const std::vector<Branch>& branches, const std::string& label = {});

  /// As the configuration writes it, with every number.
  std::string text() const { return text_of(place_.items, {}); }
  /// The same with "identity" where units are random.
  std::string text_without_random_units() const;
  const Shape& input() const { return *sample_; }
  const Shape& output() const { return shape_of(last_); }
  /// Values of one sample that come in and go out.
  Index inputs() const { return input().size(); }
  Index outputs() const { return output().size(); }

  /// Whether what is added next takes in the samples themselves.
  bool is_at_input() const { return last_ == kInput; }

  /// How many units there are, those that join branches included, and unit number `i`, from 0.
  std::size_t units() const { return nodes_.size(); }
  const Unit& unit(std::size_t i) const { return *nodes_[i].unit; }
  /// Whether any unit has something to learn.
  bool learns() const;
  /// Whether any unit mixes the samples of a micro-batch, so that a batch's gradient depends on its cut.
  bool mixes_samples() const;
  /// Whether a unit does, in Unit::needs_whole_batch.
  bool needs_whole_batch() const;
  /// "3.0 (linear 64)", and the first of these alone.
  std::string name_of_unit(std::size_t i) const;
  const std::string& position_of_unit(std::size_t i) const { return nodes_[i].path; }
  /// The shape that comes out of unit `i`.
  const Shape& output_of_unit(std::size_t i) const { return *nodes_[i].output; }

  const ParameterLayout& layout() const { return layout_; }
  /// Whether they have memory yet: from the first use of parameters() or initialize() on.
  bool has_parameters() const { return !parameters_.empty(); }
  /// All parameters; zero at first.
  std::span<Real> parameters();
  std::span<const Real> parameters() const { return parameters_; }

  /// The units' state that is not learned (Unit::statistics), which parameters() and initialize() give its
  /// first values.
  const ParameterLayout& statistics_layout() const { return statistics_layout_; }
  std::span<Real> statistics() { return statistics_; }
  std::span<const Real> statistics() const { return statistics_; }

  /// The sums that all units together need for them, and those over micro-batch number `i` of `block`, which
  /// the last forward had.
  Index sums() const { return sums_; }
  void write_sums(const RowBlock& block, ConstMatrixView x, std::size_t i, std::span<double> sums);

  /// Brings the statistics up to date after a step on `samples` samples, over which `sums` are.
  void update_statistics(std::span<const double> sums, Index samples);

  /// Moves the parameters to `memory`, of their size, which outlives the network's use; their values become
  /// what stands there.
  void use(std::span<Real> memory);

  /// Sets every parameter as a pure function of (seed, tensor, element). Biases start at zero, gains at one,
  /// statistics as their units say.
  void initialize(std::uint64_t seed, Initialization scheme);
  /// Writes what that sets in `range` to its place in `values`, which have the size of all parameters.
  void draw(std::uint64_t seed, Initialization scheme, ParameterRange range, std::span<Real> values) const;

  /// Bytes that one row takes: the values and gradients that `forward` and `backward` keep of it.
  Index bytes_of_row() const;
  /// How many rows may pass together, so that these are near at hand and take bounded memory; at least one.
  Index rows_at_once() const;
  /// Bounds that memory to so many MiB for each thread, in the place of kActivationMemory. No result depends
  /// on it.
  void bound_activations(Index mebibytes);

  /// The outputs for x [rows x inputs]; valid until the next call. Keeps what `backward` needs.
  ConstMatrixView forward(const RowBlock& block, ConstMatrixView x);

  /// The outputs for x [rows x inputs] of these samples outside of training, a few rows at a time; valid
  /// until the next call. Keeps nothing for `backward`.
  ConstMatrixView evaluate(std::span<const Index> samples, ConstMatrixView x);

  /// What unit `i` gave in the last forward, which had `rows` rows; units after it that have the same memory
  /// have changed it, unless that forward's block says that it keeps outputs.
  ConstMatrixView output_of(std::size_t i, Index rows) const {
    const std::size_t home = plan_.homes.empty() ? i : plan_.homes[i];
    return {nodes_[home].values.data(), rows, nodes_[i].output->size()};
  }

  /// Where the loss writes its gradient by the outputs before `backward`: [rows x outputs].
  MatrixView output_gradient(Index rows);

  /// Gradients of the last forward's parameters, last unit first. `x` is that forward's input.
  void backward(const RowBlock& block, ConstMatrixView x, GradientSink& sink);

  /// Calls `after` whenever a unit's forward or backward has ended, for measuring. Units that compute with
  /// the rows of the one before them count as that.
  void observe(std::function<void(const Unit& unit, Pass pass)> after) { observer_ = std::move(after); }

  /// Adds what it computes of the value `input` outside of training to `graph`, with every parameter and
  /// statistic under its name, and returns the name of the outputs. Errors: those of Unit::add_operators.
  std::string add_operators(OperatorGraph& graph, const std::string& input) const;

 private:
  static constexpr std::size_t kInput = static_cast<std::size_t>(-1);  // the network's own, as a source

  /// Nodes that are computed anew in the backward pass.
  struct Segment {
    std::size_t first;
    std::size_t last;
  };
  struct Node {
    std::unique_ptr<Unit> unit;
    std::vector<std::size_t> sources;  // the nodes whose outputs come in, or kInput
    std::string path;                  // "3.0"
    std::optional<std::size_t> segment = {};
    std::optional<Shape> output = {};  // but for an outline
    ParameterRange range = {};         // its parameters,
    ParameterRange statistics = {};    // statistics
    ParameterRange sums = {};          // and sums for those
    std::vector<Real> values = {};     // its output in the last forward
  };
  /// What was added where, for names and text.
  struct Item {
    enum class Kind { kUnit, kGroup, kRecompute, kResidual, kConcat, kAdd };
    Kind kind = Kind::kUnit;
    std::string label;
    std::size_t unit = 0;          // kUnit
    std::vector<Item> items = {};  // of kConcat and kAdd, each a branch
    std::vector<Item> skip = {};
  };
  /// Where units are being added.
  struct Place {
    std::string prefix;  // of the names there: "3."
    std::vector<Item> items = {};
  };
  /// Which memory forward and backward use, and which units compute together. One place of gradients serves
  /// several nodes, one after another.
  struct Plan {
    bool keeps_outputs = false;
    std::vector<bool> in_place;                       // whether each node's output stands where its input was
    std::vector<std::size_t> homes;                   // in whose memory it stands
    std::vector<std::size_t> leaders;                 // with whose rows each node computes; mostly itself
    std::vector<std::size_t> places;                  // of the gradient by each node's output
    std::vector<std::vector<std::size_t>> by_inputs;  // where each node writes those by its inputs,
    std::vector<std::vector<bool>> adds;              // and whether they are added to those of other nodes
    std::vector<Index> sizes;                         // of the places, for each row
  };
  /// Of a block.
  struct Rows {
    Index first;
    Index count;
  };
  /// Of the rows that a unit computes.
  struct Views {
    std::vector<ConstMatrixView> inputs;
    std::vector<MatrixView> by_inputs;
  };

  std::string text_of(const std::vector<Item>& items, const std::string& in_place_of_random) const;
  std::string text_of(const Item& item, const std::string& in_place_of_random) const;
  std::string new_path(const std::string& label) const;
  Network& join_branches(Item::Kind kind, std::unique_ptr<Unit> joint, const std::vector<Branch>& branches,
                         const std::string& label);
  std::vector<Item> add_inside(const Part& part, const std::string& prefix, const std::string& what);
  void add_node(std::unique_ptr<Unit> unit, std::vector<std::size_t> sources, const std::string& path);
  void connect(Node& node);
  Response response_to(std::size_t i) const;
  void bind(std::span<Real> parameters);
  void start_statistics();
  void connect_statistics(Node& node);
  Plan make_plan(bool keeps_outputs) const;
  void plan_outputs(Plan& plan) const;
  void share_memory_of_segments(Plan& plan) const;
  void plan_gradients(Plan& plan) const;
  static bool works_on(const RowBlock& block, const Node& node);
  const Shape& shape_of(std::size_t source) const;
  ConstMatrixView value_of(std::size_t source, ConstMatrixView x) const;
  Inputs inputs_of(std::size_t i, ConstMatrixView x, Rows some, Views& views) const;
  MatrixView gradient_at(std::size_t place, Index rows, std::size_t source);
  std::size_t next_leader(std::size_t leader) const;
  bool is_last_of_segment(std::size_t i) const;
  void forward_through(const RowBlock& block, ConstMatrixView x, std::size_t first, std::size_t end);
  void forward_of(const RowBlock& block, std::size_t i, ConstMatrixView x, Rows some, Views& views);
  void backward_of(const RowBlock& block, std::size_t i, ConstMatrixView x, Rows some, Views& views,
                   GradientSink& sink);
  void add_gradients_of(std::size_t i, Index all_rows, Rows some);

  std::optional<Shape> sample_;
  ParameterLayout layout_;
  std::vector<Node> nodes_;  // in the order in which they compute
  std::vector<Segment> segments_;
  std::optional<std::size_t> open_segment_;  // where units are being added
  std::size_t last_ = kInput;
  Place place_;
  std::vector<Real> own_parameters_;  // empty once others are in use
  std::span<Real> parameters_;
  ParameterLayout statistics_layout_;
  std::vector<Real> statistics_;
  Index sums_ = 0;
  Index activation_memory_ = kActivationMemory;
  Plan plan_;                                 // made by the first forward
  Views views_;                               // of the unit that leads
  std::vector<std::vector<Real>> gradients_;  // by place
  std::vector<Real> answers_;                 // of the last `evaluate`
  std::function<void(const Unit& unit, Pass pass)> observer_;
};

/// The parameters that the network of this text has, without memory for them. Errors: as there.
ParameterLayout layout_of(const std::string& text, const Shape& sample, const std::string& blocks = {});

}  // namespace lockstep::inline LOCKSTEP_REAL
