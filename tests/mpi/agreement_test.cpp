#include "lockstep/parallel/agreement.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "mpi_test.hpp"

namespace lockstep::test {
namespace {

class TogetherTest : public MpiTest {
 protected:
  /// What comes of an action that fails on `ranks`, with another code and message on each.
  static Caught fail_on(const std::vector<int>& ranks) {
    const int me = world().rank();
    return catch_error([&] {
      together(world(), [&] {
        if (std::find(ranks.begin(), ranks.end(), me) == ranks.end()) return;
        throw Error(code_of(me), message_of(me));
      });
    });
  }

  static ExitCode code_of(int rank) { return rank % 2 == 0 ? ExitCode::kBadInput : ExitCode::kGuard; }
  static std::string message_of(int rank) {
    return "rank " + std::to_string(rank) + " has had enough" +
           std::string(static_cast<std::size_t>(rank), '!');
  }

  /// Which ranks fail, for every set of ranks with bits in `set`.
  static std::vector<int> members(unsigned set) {
    std::vector<int> ranks;
    for (int rank = 0; rank < world().size(); ++rank) {
      if ((set >> static_cast<unsigned>(rank) & 1U) != 0) ranks.push_back(rank);
    }
    return ranks;
  }
};

TEST_F(TogetherTest, WithoutAnErrorEveryRankGoesOn) {
  bool called = false;
  together(world(), [&] { called = true; });
  EXPECT_TRUE(called);
}

TEST_F(TogetherTest, TheLowestRanksErrorIsEverybodys) {
  for (unsigned set = 1; set < 1U << static_cast<unsigned>(world().size()); ++set) {
    const std::vector<int> ranks = members(set);
    expect_same_error(fail_on(ranks), code_of(ranks.front()), {message_of(ranks.front())});
  }
}

TEST_F(TogetherTest, TheGroupIsOfUseAfterwards) {
  for (int rank = 0; rank < world().size(); ++rank) {
    EXPECT_TRUE(fail_on({rank}).code.has_value());
    EXPECT_FALSE(fail_on({}).code.has_value());
    EXPECT_EQ(all_gather(world(), world().rank()).back(), world().size() - 1);
  }
}

TEST_F(TogetherTest, OtherExceptionsAreInternalErrorsEverywhere) {
  const bool fails = world().rank() == world().size() - 1;
  const Caught caught = catch_error([&] {
    together(world(), [&] {
      if (fails) throw std::out_of_range("nobody expected this");
    });
  });
  expect_same_error(caught, ExitCode::kInternal, {"nobody expected this"});
}

TEST_F(TogetherTest, AnErrorWithoutTextIsAnError) {
  const Caught caught = catch_error([&] {
    together(world(), [] {
      if (world().rank() == 0) throw Error(ExitCode::kGuard, "");
    });
  });
  expect_same_error(caught, ExitCode::kGuard, {});
}

/// Ranks in groups of two, each of which sums up its ranks.
class InGroupsTest : public MpiTest {
 protected:
  int number_ = world().rank() / 2;
  std::unique_ptr<Communicator> group_ = world().split(number_);

  int sum() {
    int sum = 0;
    for (const int rank : all_gather(*group_, world().rank())) sum += rank;
    return sum;
  }
};

TEST_F(InGroupsTest, EachGroupTalksToItself) {
  int found = -1;
  in_groups(world(), *group_, [&] { found = sum(); });
  const int first = 2 * number_;
  EXPECT_EQ(found, first + 1 < world().size() ? 2 * first + 1 : first);
}

TEST_F(InGroupsTest, AFailedGroupIsEverybodysErrorWhenTheOthersAreDone) {
  const int last = (world().size() - 1) / 2;
  for (const int failing : {0, last}) {
    int found = -1;
    const Caught caught = catch_error([&] {
      in_groups(world(), *group_, [&] {
        found = sum();
        if (number_ == failing) throw Error(ExitCode::kGuard, "group " + std::to_string(failing));
      });
    });
    expect_same_error(caught, ExitCode::kGuard, {"group " + std::to_string(failing)});
    EXPECT_GE(found, 0);
  }
}

class DifferencesTest : public MpiTest {};

TEST_F(DifferencesTest, RanksThatAgreeHaveNone) {
  EXPECT_EQ(differences(world(), {{"seed", "1"}, {"layers", "linear 4"}}), "");
  EXPECT_EQ(differences(world(), {}), "");
}

TEST_F(DifferencesTest, OneRankOfManyIsNamedWithBothValues) {
  const int size = world().size();
  for (int stranger = 0; size > 2 && stranger < size; ++stranger) {
    const std::string rank = std::to_string(stranger);
    const std::string seed = world().rank() == stranger ? "2" : "1";
    EXPECT_EQ(differences(world(), {{"a", "same"}, {"seed", seed}}),
              "seed is 2 on rank " + rank + ", 1 elsewhere");
  }
}

TEST_F(DifferencesTest, WithoutAMajorityAllAreNamed) {
  if (world().size() != 2 && world().size() != 4) return;
  const bool odd = world().rank() % 2 == 1;
  const Facts facts = odd ? Facts{{"a", "x"}, {"b", "y"}} : Facts{{"a", "z"}};
  EXPECT_EQ(differences(world(), facts),
            world().size() == 2 ? "a is z on rank 0, x on rank 1; b is not given on rank 0, y on rank 1"
                                : "a is z on ranks 0 and 2, x on ranks 1 and 3; "
                                  "b is not given on ranks 0 and 2, y on ranks 1 and 3");
}

TEST_F(DifferencesTest, TheMostCommonOpinionComesFirst) {
  const int size = world().size();
  const std::vector<Opinion> found = opinions(world(), world().rank() == 0 ? "a" : "b");
  ASSERT_EQ(found.size(), size == 1 ? 1U : 2U);  // the same on all ranks
  const std::size_t of_rank_0 = size > 2 ? 1 : 0;
  EXPECT_EQ(found[of_rank_0].text, "a");
  EXPECT_EQ(found[of_rank_0].ranks, std::vector<int>{0});
  EXPECT_EQ(has_majority(found), size != 2);
}

}  // namespace
}  // namespace lockstep::test
