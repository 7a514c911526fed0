#include <algorithm>
#include <vector>

#include "lockstep/core/stopwatch.hpp"
#include "parallel/transport.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

/// Ranks anywhere send each owner their sums of its shares; a bucket's messages are under way while earlier
/// buckets compute.
class MessageTransport final : public Transport {
 public:
  MessageTransport(Communicator& communicator, const Shares& shares)
      : communicator_(communicator), shares_(shares), own_size_(shares.size_of(communicator.rank())) {}

  void start(const BatchPlan& plan) override {
    const int me = communicator_.rank();
    held_by_.clear();
    std::size_t incoming = 0;
    for (int rank = 0; rank < communicator_.size(); ++rank) {
      held_by_.push_back(plan.subtrees_of(rank));
      incoming += rank == me ? 0 : held_by_.back();
    }
    while (held_.size() < std::max<std::size_t>(held_of(me), 1)) {
      held_.emplace_back(static_cast<std::size_t>(shares_.parameters()));
    }
    while (received_.size() < incoming) received_.emplace_back(static_cast<std::size_t>(own_size_));
  }

  Real* held(std::size_t number) override { return held_[number].data(); }

  void publish(std::size_t bucket) override {
    const int me = communicator_.rank();
    outgoing_.clear();
    incoming_.clear();
    for (const Share& share : shares_.of_bucket(bucket)) {
      const auto size = static_cast<std::size_t>(share.range.size);
      if (share.owner != me) {
        for (std::size_t number = 0; number < held_of(me); ++number) {
          const std::span<const Real> sum(held(number) + share.range.offset, size);
          outgoing_.push_back({share.owner, std::as_bytes(sum)});
        }
        continue;
      }
      std::size_t next = 0;
      for (int rank = 0; rank < communicator_.size(); ++rank) {
        for (std::size_t number = 0; rank != me && number < held_of(rank); ++number) {
          const std::span<Real> sum(received_[next++].data() + share.position, size);
          incoming_.push_back({rank, std::as_writable_bytes(sum)});
        }
      }
    }
    communicator_.begin_exchange(number_of(bucket), outgoing_, incoming_);
  }

  bool arrived(std::size_t bucket) override { return communicator_.test_exchange(number_of(bucket)); }

  void wait(std::size_t bucket) override {
    Stopwatch watch;
    communicator_.wait_exchange(number_of(bucket));
    seconds_waited_ += watch.lap();
  }

  std::span<Real* const> sums(const Share& share) override {
    sums_.clear();
    std::size_t next = 0;
    for (int rank = 0; rank < communicator_.size(); ++rank) {
      for (std::size_t number = 0; number < held_of(rank); ++number) {
        sums_.push_back(rank == communicator_.rank() ? held(number) + share.range.offset
                                                     : received_[next++].data() + share.position);
      }
    }
    return sums_;
  }

  // This rank's own sums of its own shares are used up when the result is written.
  Real* result() override { return held(0); }

  double seconds_waited() const override { return seconds_waited_; }

 private:
  std::size_t held_of(int rank) const { return held_by_[static_cast<std::size_t>(rank)]; }
  // Number 0 is for exchanges that begin and end in one call.
  static std::size_t number_of(std::size_t bucket) { return bucket + 1; }

  Communicator& communicator_;
  const Shares& shares_;
  Index own_size_;
  std::vector<std::size_t> held_by_;         // subtree sums of each rank
  std::vector<std::vector<Real>> held_;      // this rank's
  std::vector<std::vector<Real>> received_;  // of the other ranks, for this rank's shares, in tree order
  std::vector<OutgoingMessage> outgoing_;
  std::vector<IncomingMessage> incoming_;
  std::vector<Real*> sums_;
  double seconds_waited_ = 0;
};

}  // namespace

std::unique_ptr<Transport> make_message_transport(Communicator& communicator, const Shares& shares) {
  return std::make_unique<MessageTransport>(communicator, shares);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
