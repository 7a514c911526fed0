#include "cli/network_table.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace lockstep {

namespace {

constexpr std::size_t kColumns = 5;
constexpr std::size_t kFirstNumber = 3;  // from this column on to the right
using Row = std::array<std::string, kColumns>;

std::string line_of(const Row& row, const std::array<std::size_t, kColumns>& widths) {
  std::string line;
  for (std::size_t i = 0; i < kColumns; ++i) {
    line += i == 0 ? "" : "  ";
    line += i < kFirstNumber ? fmt::format("{:<{}}", row[i], widths[i])
                             : fmt::format("{:>{}}", row[i], widths[i]);
  }
  return line;
}

}  // namespace

std::vector<std::string> network_table(const Network& network) {
  std::vector<Row> rows = {{"position", "unit", "output", "parameters", "multiply-adds"},
                           {"", "", to_text(network.input()), "", ""}};
  Index all_products = 0;
  for (std::size_t unit = 0; unit < network.units(); ++unit) {
    Index parameters = 0;
    Index products = 0;
    for (const ParameterTensor& tensor : network.layout().tensors()) {
      if (tensor.unit != unit) continue;
      parameters += tensor.range.size;
      if (tensor.role == TensorRole::kWeight) products += tensor.range.size * tensor.uses;
    }
    all_products += products;
    rows.push_back({network.position_of_unit(unit), network.unit(unit).text(),
                    to_text(network.output_of_unit(unit)), std::to_string(parameters),
                    std::to_string(products)});
  }
  rows.push_back({"", "", "", std::to_string(network.layout().size()), std::to_string(all_products)});
  std::array<std::size_t, kColumns> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::vector<std::string> lines;
  lines.reserve(rows.size());
  for (const Row& row : rows) lines.push_back(line_of(row, widths));
  return lines;
}

}  // namespace lockstep
