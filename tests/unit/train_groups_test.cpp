// Groups of rows in a training: what is held out, and what weights files keep of them.

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/nn/weights.hpp"
#include "temporary_folder.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::blobs;
using test::is_bad_input;
using test::TemporaryFolder;
using test::Texts;
using test::TrainingRun;

/// 60 visits of `patients`, of which the first comes most often.
class Visits : public testing::Test {
 protected:
  Texts texts(Index patients, Texts more) const {
    std::string table = "x,who,y\n";
    for (Index i = 0; i < 60; ++i) {
      table += std::to_string(i * i % 17) + ",patient " + std::to_string(i % 3 == 0 ? 0 : i % patients) +
               (i % 2 == 0 ? ",a\n" : ",b\n");
    }
    more["data.source"] = folder_.write("visits.csv", table).string();
    more["data.group"] = "who";
    more["train.batch-size"] = "4";
    more["model.layers"] = "linear auto";
    return more;
  }

  Problem problem(Index patients, const Texts& more) const {
    return make_problem(blobs(texts(patients, more)), *make_single_communicator());
  }

  TemporaryFolder folder_;
};

TEST_F(Visits, OfAPatientStayTogether) {
  for (const Texts& held_out : {Texts{{"data.validation", "0.25"}}, Texts{{"data.fold", "2/3"}}}) {
    for (const std::string seed : {"1", "2", "3", "4", "5"}) {
      Texts more = held_out;
      more["data.seed"] = seed;
      const Problem visits = problem(11, more);
      EXPECT_EQ(visits.training.description().features(), 1);
      std::set<std::int32_t> trained;
      const auto group_of = [&](Index sample) {
        return visits.training.groups()[static_cast<std::size_t>(sample)];
      };
      for (Index i = 0; i < visits.split.training_size(); ++i)
        trained.insert(group_of(visits.split.training(i)));
      ASSERT_GT(visits.split.validation_size(), 0);
      for (Index i = 0; i < visits.split.validation_size(); ++i) {
        EXPECT_FALSE(trained.contains(group_of(visits.split.validation(i)))) << seed;
      }
    }
  }
}

TEST_F(Visits, AreRefusedWhereTheyCannotBeHeldOut) {
  EXPECT_TRUE(is_bad_input(
      [&] {
        problem(4, {{"data.fold", "1/5"}});
      },
      {"`fold`: 4 groups of", "do not fill 5 folds", "at most 4"}));
  EXPECT_TRUE(is_bad_input(
      [&] {
        problem(1, {{"data.validation", "0.1"}});
      },
      {"`validation` = 0.1", "one group"}));
  EXPECT_TRUE(is_bad_input(
      [&] {
        problem(4, {{"data.validation", "0.1"}, {"data.hold-out", "stratified"}});
      },
      {"`hold-out` = stratified", "groups"}));
  EXPECT_TRUE(is_bad_input(
      [&] {
        make_problem(blobs({{"data.group", "0"}}), *make_single_communicator());
      },
      {"`group`", "only for CSV files"}));
}

TEST_F(Visits, HaveTheGroupsNameInTheWeightsFile) {
  const TrainingRun run(blobs(texts(4, {})));
  const auto file = folder_.path() / "weights.safetensors";
  write_safetensors(file, weights_metadata(run.trainer.network(), *run.problem),
                    to_tensors(run.trainer.network()));
  DataSource later;
  later.source = folder_.write("later.csv", "who,y,x\n,b,3\n").string();
  const DatasetContent read = read_for_evaluation(later, load_model(file).data, Part::kTraining);
  EXPECT_EQ(read.values, std::vector<float>{3});
  EXPECT_EQ(read_for_prediction(later, load_model(file).data).values, std::vector<float>{3});
}

}  // namespace
}  // namespace lockstep
