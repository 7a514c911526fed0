// State of a network that is not learned.

#include <algorithm>

#include "lockstep/core/error.hpp"
#include "lockstep/nn/network.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

void Network::connect_statistics(Node& node) {
  node.statistics.offset = statistics_layout_.size();
  for (const TensorSpec& tensor : node.unit->statistics()) {
    LOCKSTEP_CHECK(tensor.role == TensorRole::kStatistic);
    node.statistics.size += statistics_layout_.add(nodes_.size(), node.path + "." + tensor.name, tensor).size;
  }
  node.sums = {sums_, node.unit->sums()};
  sums_ += node.sums.size;
}

void Network::start_statistics() {
  statistics_.resize(static_cast<std::size_t>(statistics_layout_.size()));
  for (const ParameterTensor& tensor : statistics_layout_.tensors()) {
    std::fill_n(statistics_.begin() + tensor.range.offset, tensor.range.size,
                static_cast<Real>(tensor.start));
  }
}

void Network::write_sums(const RowBlock& block, ConstMatrixView x, std::size_t i, std::span<double> sums) {
  LOCKSTEP_CHECK(std::ssize(sums) == sums_);
  for (std::size_t number = 0; number < nodes_.size(); ++number) {
    const Node& node = nodes_[number];
    if (node.sums.size == 0) continue;
    node.unit->write_sums(
        block.micro_batches[i], inputs_of(number, x, {0, x.rows()}, views_), output_of(number, x.rows()),
        sums.subspan(static_cast<std::size_t>(node.sums.offset), static_cast<std::size_t>(node.sums.size)));
  }
}

void Network::update_statistics(std::span<const double> sums, Index samples) {
  for (const Node& node : nodes_) {
    if (node.statistics.size == 0) continue;
    node.unit->update_statistics(
        sums.subspan(static_cast<std::size_t>(node.sums.offset), static_cast<std::size_t>(node.sums.size)),
        samples);
  }
}

}  // namespace lockstep::inline LOCKSTEP_REAL
