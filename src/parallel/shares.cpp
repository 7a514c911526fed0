#include "lockstep/parallel/shares.hpp"

#include <algorithm>

#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

/// The tensors of each layer, which is the first part of their names.
std::vector<std::vector<ParameterTensor>> tensors_of_layers(const ParameterLayout& layout) {
  const auto layer_of = [](const ParameterTensor& tensor) {
    return tensor.name.substr(0, tensor.name.find('.'));
  };
  std::vector<std::vector<ParameterTensor>> layers;
  for (const ParameterTensor& tensor : layout.tensors()) {
    if (layers.empty() || layer_of(layers.back().back()) != layer_of(tensor)) layers.emplace_back();
    layers.back().push_back(tensor);
  }
  return layers;
}

/// The pieces [part.first, part.last) as one share.
Share run_of(const std::vector<ParameterRange>& pieces, Interval part, int owner) {
  const Index first = pieces[static_cast<std::size_t>(part.first)].offset;
  const ParameterRange& last = pieces[static_cast<std::size_t>(part.last - 1)];
  return {.range = {first, last.offset + last.size - first}, .pieces = part, .owner = owner};
}

/// Largest tensors first, each to the rank that owns least so far.
void assign_tensors(std::vector<std::vector<Share>>& layers, int ranks) {
  std::vector<Share*> all;
  for (std::vector<Share>& layer : layers) {
    for (Share& share : layer) all.push_back(&share);
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Share* a, const Share* b) { return a->range.size > b->range.size; });
  std::vector<Index> owned(static_cast<std::size_t>(ranks));
  for (Share* const share : all) {
    const auto least = std::min_element(owned.begin(), owned.end());
    share->owner = static_cast<int>(least - owned.begin());
    *least += share->range.size;
  }
}

}  // namespace

Shares::Shares(const ParameterLayout& layout, Scope scope, int ranks)
    : ranks_(ranks), parameters_(layout.size()) {
  for (const std::vector<ParameterTensor>& tensors : tensors_of_layers(layout)) {
    std::vector<Share>& shares = layers_.emplace_back();
    const auto layer_begin = static_cast<Index>(pieces_.size());
    for (const ParameterTensor& tensor : tensors) {
      const auto begin = static_cast<Index>(pieces_.size());
      for (const ParameterRange& piece : lockstep::pieces_of(tensor.range)) pieces_.push_back(piece);
      if (scope != Scope::kElements)
        shares.push_back(run_of(pieces_, {begin, static_cast<Index>(pieces_.size())}, 0));
    }
    if (scope != Scope::kElements) continue;
    const Index count = static_cast<Index>(pieces_.size()) - layer_begin;
    for (int rank = 0; rank < ranks; ++rank) {
      const Interval part = part_of(count, ranks, rank);
      if (part.size() > 0)
        shares.push_back(run_of(pieces_, {layer_begin + part.first, layer_begin + part.last}, rank));
    }
  }
  if (scope == Scope::kTensor) assign_tensors(layers_, ranks);
  std::vector<Index> owned(static_cast<std::size_t>(ranks));
  for (std::vector<Share>& layer : layers_) {
    for (Share& share : layer) {
      Index& position = owned[static_cast<std::size_t>(share.owner)];
      share.position = position;
      position += share.range.size;
    }
  }
}

Shares Shares::replicated(const ParameterLayout& layout, int ranks) {
  Shares shares(layout, Scope::kModel, ranks);
  shares.replicated_ = true;
  return shares;
}

std::size_t Shares::layer_at(Index offset) const {
  const auto found = std::find_if(layers_.begin(), layers_.end(), [&](const std::vector<Share>& layer) {
    return layer.front().range.offset == offset;
  });
  LOCKSTEP_CHECK(found != layers_.end());
  return static_cast<std::size_t>(found - layers_.begin());
}

std::vector<Share> Shares::owned_by(int rank) const {
  std::vector<Share> owned;
  for (const std::vector<Share>& layer : layers_) {
    for (const Share& share : layer) {
      if (replicated_ || share.owner == rank) owned.push_back(share);
    }
  }
  return owned;
}

Index Shares::size_of(int rank) const {
  Index size = 0;
  for (const Share& share : owned_by(rank)) size += share.range.size;
  return size;
}

Index Shares::pieces_of(int rank) const {
  Index pieces = 0;
  for (const Share& share : owned_by(rank)) pieces += share.pieces.size();
  return pieces;
}

}  // namespace lockstep
