#include "parallel/all_reduce_reducer.hpp"

#include <algorithm>
#include <vector>

#include "lockstep/core/error.hpp"
#include "lockstep/core/threads.hpp"
#include "parallel/finish_piece.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

class AllReduceReducer final : public GradientReducer {
 public:
  AllReduceReducer(Communicator& communicator, const Shares& shares)
      : communicator_(communicator),
        shares_(shares),
        sum_(static_cast<std::size_t>(shares.parameters())),
        squares_(static_cast<std::size_t>(shares.pieces_of(0))) {}

  bool has_room(const BatchPlan& /*plan*/) override { return true; }

  void start(const BatchPlan& plan, std::size_t /*blocks*/, double divisor) override {
    LOCKSTEP_CHECK(plan.micro_batches() == communicator_.size());
    divisor_ = static_cast<Real>(divisor);
    // A rank without samples contributes zero.
    std::fill(sum_.begin(), sum_.end(), Real(0));
  }
  void add(const RowBlock& block, ParameterRange range, const WriteGradient& write) override {
    for (const MicroBatchRows& m : block.micro_batches) write(m, sum_.data() + range.offset);
  }
  void finish() override {
    communicator_.all_reduce_sum(sum_);
    for_each_part(static_cast<Index>(squares_.size()), [&](Index i) {
      const ParameterRange piece = shares_.pieces()[static_cast<std::size_t>(i)];
      Real* const sum = sum_.data() + piece.offset;
      squares_[static_cast<std::size_t>(i)] = finish_piece(sum, sum, piece.size, divisor_);
    });
  }
  std::span<const Real> gradient() const override { return sum_; }
  std::span<const double> squares() const override { return squares_; }
  double seconds_waited() const override { return 0; }  // not to be told from the library's work

 private:
  Communicator& communicator_;
  const Shares& shares_;
  std::vector<Real> sum_;
  std::vector<double> squares_;
  Real divisor_ = 1;
};

}  // namespace

std::unique_ptr<GradientReducer> make_all_reduce_reducer(Communicator& communicator, const Shares& shares) {
  return std::make_unique<AllReduceReducer>(communicator, shares);
}

}  // namespace lockstep::inline LOCKSTEP_REAL
