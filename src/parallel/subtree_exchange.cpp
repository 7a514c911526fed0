#include "subtree_exchange.hpp"

#include <optional>

#include "lockstep/comm/node_memory.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace {

std::span<Real> part(Real* values, Interval interval) {
  return {values + interval.first, static_cast<std::size_t>(interval.size())};
}

/// Ranks of one node read each other's sums where they stand. Two barriers a step: when all sums are ready,
/// and when all slices are; the first one also keeps a slice from being written while somebody still reads
/// the last result.
class NodeExchange final : public SubtreeExchange {
 public:
  NodeExchange(Communicator& node, Index parameters) : node_(node), parameters_(parameters) {}

  void reserve(std::size_t levels) override {
    if (memory_ && levels <= levels_) return;
    levels_ = levels;
    const std::size_t vectors = levels_ * static_cast<std::size_t>(node_.size()) + 1;
    memory_.emplace(node_, vectors * static_cast<std::size_t>(parameters_) * sizeof(Real));
    if (!memory_->is_shared()) {
      fail_input(
          "the ranks of this node can no longer share memory; set train.exchange = messages (same bits)");
    }
  }

  Real* level(std::size_t level) override { return level_of(node_.rank(), level); }

  std::span<Real* const> collect(const BatchPlan& plan) override {
    const Index first = part_of(parameters_, node_.size(), node_.rank()).first;
    sums_.clear();
    for (int rank = 0; rank < node_.size(); ++rank) {
      for (std::size_t i = 0; i < plan.subtrees_of(rank); ++i) sums_.push_back(level_of(rank, i) + first);
    }
    node_.barrier();
    return sums_;
  }

  Real* result() override { return vector(levels_ * static_cast<std::size_t>(node_.size())); }

  std::span<const Real> share() override {
    node_.barrier();
    return {result(), static_cast<std::size_t>(parameters_)};
  }

 private:
  Real* vector(std::size_t number) {
    return reinterpret_cast<Real*>(memory_->bytes().data()) + number * static_cast<std::size_t>(parameters_);
  }
  Real* level_of(int rank, std::size_t level) {
    return vector(static_cast<std::size_t>(rank) * levels_ + level);
  }

  Communicator& node_;
  Index parameters_;
  std::size_t levels_ = 0;
  std::optional<NodeMemory> memory_;  // levels of rank 0, of rank 1, …, result
  std::vector<Real*> sums_;
};

/// Ranks anywhere send each other slices: reduce-scatter, then all-gather.
class MessageExchange final : public SubtreeExchange {
 public:
  MessageExchange(Communicator& communicator, Index parameters)
      : communicator_(communicator), parameters_(parameters) {}

  void reserve(std::size_t levels) override {
    while (levels_.size() < levels) levels_.emplace_back(static_cast<std::size_t>(parameters_));
  }

  Real* level(std::size_t level) override { return levels_[level].data(); }

  std::span<Real* const> collect(const BatchPlan& plan) override {
    const int me = communicator_.rank();
    const Interval mine = slice_of(me);
    const std::size_t held = plan.subtrees_of(me);
    std::size_t expected = 0;
    for (int rank = 0; rank < communicator_.size(); ++rank)
      expected += rank == me ? 0 : plan.subtrees_of(rank);
    received_.resize(expected * static_cast<std::size_t>(mine.size()));

    clear();
    Real* next = received_.data();
    for (int rank = 0; rank < communicator_.size(); ++rank) {
      for (std::size_t i = 0; i < plan.subtrees_of(rank); ++i) {
        if (rank == me) {
          sums_.push_back(level(i) + mine.first);
          continue;
        }
        sums_.push_back(next);
        incoming_.push_back({rank, std::as_writable_bytes(part(next, {0, mine.size()}))});
        next += mine.size();
      }
      if (rank == me) continue;
      for (std::size_t i = 0; i < held; ++i) {
        outgoing_.push_back({rank, std::as_bytes(part(level(i), slice_of(rank)))});
      }
    }
    communicator_.exchange(outgoing_, incoming_);
    return sums_;
  }

  // The sums of level 0 are used up when the result is written.
  Real* result() override { return level(0); }

  std::span<const Real> share() override {
    const int me = communicator_.rank();
    clear();
    for (int rank = 0; rank < communicator_.size(); ++rank) {
      if (rank == me) continue;
      outgoing_.push_back({rank, std::as_bytes(part(result(), slice_of(me)))});
      incoming_.push_back({rank, std::as_writable_bytes(part(result(), slice_of(rank)))});
    }
    communicator_.exchange(outgoing_, incoming_);
    return levels_[0];
  }

 private:
  Interval slice_of(int rank) const { return part_of(parameters_, communicator_.size(), rank); }

  void clear() {
    outgoing_.clear();
    incoming_.clear();
    sums_.clear();
  }

  Communicator& communicator_;
  Index parameters_;
  std::vector<std::vector<Real>> levels_;
  std::vector<Real> received_;
  std::vector<Real*> sums_;
  std::vector<OutgoingMessage> outgoing_;
  std::vector<IncomingMessage> incoming_;
};

bool share_memory(Communicator& communicator) {
  const std::unique_ptr<Communicator> node = communicator.split_by_node();
  return node->size() == communicator.size() && NodeMemory(*node, 1).is_shared();
}

}  // namespace

std::unique_ptr<SubtreeExchange> make_subtree_exchange(Exchange exchange, Communicator& communicator,
                                                       Index parameters) {
  if (exchange == Exchange::kAuto && share_memory(communicator)) {
    return std::make_unique<NodeExchange>(communicator, parameters);
  }
  return std::make_unique<MessageExchange>(communicator, parameters);
}

}  // namespace lockstep
