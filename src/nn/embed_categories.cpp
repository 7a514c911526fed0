#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/ranges.h>

#include "core/text.hpp"
#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "nn/table_lookups.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// sum += factor · values.
void add_multiple(Real factor, const Real* values, Index count, Real* sum) {
  for (Index i = 0; i < count; ++i) sum[i] += factor * values[i];
}

class EmbedCategories final : public Unit {
 public:
  EmbedCategories(Index width, std::vector<FeatureRange> columns)
      : width_(width), columns_(std::move(columns)) {}

  std::string text() const override {
    const std::string width = width_ == kAutomaticWidth ? "auto" : std::to_string(width_);
    return "embed-categories " + width + (columns_.empty() ? "" : " at=" + to_text(columns_));
  }

  Shape connect(std::span<const Shape> inputs) override {
    if (columns_.empty()) {
      fail_input(
          "none of them are of categories; expected a table with columns of text, or of numbers that "
          "`categories` lists, or the features of each column as at=FIRST-LAST/FIRST-LAST");
    }
    if (inputs[0].axes().size() > 1) fail_input("expected values along one axis; put 'flatten' before it");
    inputs_ = inputs[0].size();
    Index feature = 0;
    for (const FeatureRange& column : columns_) {
      if (column.first < feature || column.count < 1 || column.count > inputs_ - column.first) {
        fail_input("expected at=FIRST-LAST/FIRST-LAST with features from 0 to {}, in rising order",
                   inputs_ - 1);
      }
      pass_on({feature, column.first - feature});
      const Index width = width_ == kAutomaticWidth ? automatic_width(column.count) : width_;
      tables_.push_back({.features = column, .width = width, .place = outputs_, .offset = parameters_});
      outputs_ += width;
      parameters_ += column.count * width;
      feature = column.first + column.count;
    }
    pass_on({feature, inputs_ - feature});
    return outputs_;
  }

  /// A row of Glorot's initial weights has a norm of about 1, as have the 0s and 1s for which it stands. On
  /// tables whose classes depend on pairs of categories that learned as well as the deviation 0.01 of
  /// fastai's tabular model, and better than N(0, 1), which torch.nn.Embedding has.
  std::vector<TensorSpec> tensors() const override {
    std::vector<TensorSpec> all;
    for (const Table& table : tables_) {
      all.push_back({.name = std::to_string(all.size()) + ".weight",
                     .shape = {table.features.count, table.width},
                     .role = TensorRole::kTable,
                     .fan_in = table.width,
                     .fan_out = table.width});
    }
    return all;
  }

  void place(std::size_t /*number*/, ParameterRange range) override { range_ = range; }
  void bind(const Real* parameters) override { weights_ = parameters; }

  void forward(const RowBlock& block, Inputs x, MatrixView y) override {
    for_each_part(block.rows(), [&](Index row) {
      const Real* const features = x[0].data() + row * inputs_;
      Real* const values = y.data() + row * outputs_;
      for (const Passed& passed : passed_) {
        std::copy_n(features + passed.features.first, passed.features.count, values + passed.place);
      }
      for (const Table& table : tables_) {
        std::fill_n(values + table.place, table.width, Real(0));
        for_each_entry(table, features, [&](Index entry, Real feature) {
          add_multiple(feature, weights_of(table, entry), table.width, values + table.place);
        });
      }
    });
  }

  void backward(const RowBlock& block, Inputs x, ConstMatrixView /*y*/, ConstMatrixView dy, InputGradients dx,
                GradientSink& sink) override {
    for (const Table& table : tables_) {
      lookups_.collect(block, [&](Index row, const auto& add) {
        for_each_entry(table, x[0].data() + row * inputs_,
                       [&](Index entry, Real /*feature*/) { add(entry, row); });
      });
      const ParameterRange range{range_.offset + table.offset, table.features.count * table.width};
      lookups_.hand_in(block, range, table.width, sink, [&](Index entry, Index row, Real* sum) {
        add_multiple(x[0](row, table.features.first + entry), dy.data() + row * outputs_ + table.place,
                     table.width, sum);
      });
    }
    sink.done(range_);
    if (dx[0].rows() > 0) pass_back(dy, dx[0]);
  }

  std::string add_operators(OperatorGraph& graph, std::span<const GraphValue> x) const override {
    const auto one = [&](Index number) { return graph.constant({1}, std::vector<std::int64_t>{number}); };
    const auto slice = [&](FeatureRange features) {
      return graph.add(
          "Slice", {x[0].name, one(features.first), one(features.first + features.count), one(1), one(1)});
    };
    std::vector<std::pair<Index, std::string>> parts;  // by their places
    for (const Passed& passed : passed_) parts.emplace_back(passed.place, slice(passed.features));
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      const std::string weight = graph.tensor(std::to_string(i) + ".weight");
      parts.emplace_back(tables_[i].place, graph.add("MatMul", {slice(tables_[i].features), weight}));
    }
    std::sort(parts.begin(), parts.end());
    std::vector<std::string> names;
    names.reserve(parts.size());
    for (auto& [place, name] : parts) names.push_back(std::move(name));
    return graph.add("Concat", std::move(names), {{"axis", std::int64_t{1}}});
  }

 private:
  /// The features of a column, and what stands for them: a sum of rows of a table [features x width].
  struct Table {
    FeatureRange features;
    Index width;
    Index place;   // of that sum in the output
    Index offset;  // of the table in the unit's parameters
  };
  /// Features that stay as they are, and their place in the output.
  struct Passed {
    FeatureRange features;
    Index place;
  };

  /// As fastai chose it for categories of a number that includes that of missing values:
  /// min(50, (c + 1) // 2), fastai 0.7, courses/dl1/lesson3-rossman.ipynb.
  static Index automatic_width(Index features) {
    constexpr Index kMost = 50;
    return std::min(kMost, (features + 1) / 2);
  }

  void pass_on(FeatureRange features) {
    if (features.count == 0) return;
    passed_.push_back({features, outputs_});
    outputs_ += features.count;
  }

  const Real* weights_of(const Table& table, Index entry) const {
    return weights_ + table.offset + entry * table.width;
  }

  /// Calls action(entry, feature) for the features of a sample that are not 0, in rising order.
  template <typename Action>
  static void for_each_entry(const Table& table, const Real* features, const Action& action) {
    for (Index entry = 0; entry < table.features.count; ++entry) {
      const Real feature = features[table.features.first + entry];
      if (feature != 0) action(entry, feature);
    }
  }

  void pass_back(ConstMatrixView dy, MatrixView dx) const {
    for_each_part(dx.rows(), [&](Index row) {
      const Real* const values = dy.data() + row * outputs_;
      Real* const features = dx.data() + row * inputs_;
      for (const Passed& passed : passed_) {
        std::copy_n(values + passed.place, passed.features.count, features + passed.features.first);
      }
      for (const Table& table : tables_) {
        for (Index entry = 0; entry < table.features.count; ++entry) {
          Real sum = 0;
          for (Index i = 0; i < table.width; ++i)
            sum += values[table.place + i] * weights_of(table, entry)[i];
          features[table.features.first + entry] = sum;
        }
      }
    });
  }

  Index width_;
  std::vector<FeatureRange> columns_;
  std::vector<Table> tables_;
  std::vector<Passed> passed_;
  Index inputs_ = 0;
  Index outputs_ = 0;
  Index parameters_ = 0;
  ParameterRange range_;
  const Real* weights_ = nullptr;
  TableLookups lookups_;
};

/// "7-19/20-25" as ranges; nothing where it is none of this.
std::optional<std::vector<FeatureRange>> ranges_from_text(const std::string& text) {
  std::vector<FeatureRange> ranges;
  for (const std::string_view part : split(text, '/')) {
    const std::vector<std::string_view> ends = split(part, '-');
    if (ends.size() != 2) return std::nullopt;
    const auto first = parse_integer(ends[0]);
    const auto last = parse_integer(ends[1]);
    constexpr Index kMost = Index{1} << 32U;
    if (!first || !last || *first < 0 || *last < *first || *last > kMost) return std::nullopt;
    ranges.push_back({*first, *last - *first + 1});
  }
  return ranges;
}

}  // namespace

std::unique_ptr<Unit> embed_categories(Index width, std::vector<FeatureRange> columns) {
  return std::make_unique<EmbedCategories>(width, std::move(columns));
}

UnitForm embed_categories_form() {
  static constexpr Index kMostWidth = 1 << 24;
  return {
      .name = "embed-categories", .values = {"DIM"}, .options = {"at"}, .make = [](const UnitWords& words) {
        std::optional<std::vector<FeatureRange>> columns = std::vector<FeatureRange>();
        if (const auto at = words.option("at")) columns = ranges_from_text(*at);
        if (!columns) words.refuse("the features of each column as at=FIRST-LAST/FIRST-LAST, from 0");
        const Index width =
            words.is(0, "auto")
                ? kAutomaticWidth
                : words.whole(0, 1, kMostWidth,
                              fmt::format("a whole number from 1 to {}, or auto", kMostWidth));
        return embed_categories(width, std::move(*columns));
      }};
}

}  // namespace lockstep::inline LOCKSTEP_REAL
