// What a problem says of its loss and targets, and what weights files keep of that.

#include <exception>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "idx_files.hpp"
#include "lockstep/nn/weights.hpp"
#include "nn_helpers.hpp"
#include "temporary_folder.hpp"
#include "train_helpers.hpp"

namespace lockstep {
namespace {

using test::blobs;
using test::is_bad_input;
using test::TemporaryFolder;
using test::Texts;
using test::TrainingRun;

const Texts kTags = {{"data.source", "tags"}, {"model.layers", "linear 16, relu, linear 3"}};

std::filesystem::path saved(const TrainingRun& run, const TemporaryFolder& folder) {
  std::filesystem::path file = folder.path() / "weights.safetensors";
  write_safetensors(file, weights_metadata(run.trainer.network(), *run.problem),
                    to_tensors(run.trainer.network()));
  return file;
}

/// The loss of the test part: in the run, and by the weights file alone.
void expect_same_loss_from_file(const Texts& texts) {
  const TemporaryFolder folder;
  TrainingRun run(blobs(texts));
  for (int step = 0; step < 3; ++step) run.trainer.step();
  SavedModel model = load_model(saved(run, folder));
  EXPECT_EQ(model.data.task, run.problem->training.description().task);
  const Selection selection = all_of(*run.problem->test);
  const Evaluation expected = run.trainer.evaluate(selection);
  const Evaluation found =
      evaluate(model.model, *model.loss, model.normalization, selection, *run.communicator);
  EXPECT_EQ(found.loss, expected.loss);
  EXPECT_EQ(found.accuracy, expected.accuracy);
}

TEST(SavedModel, HasTheLossItWasTrainedWith) {
  const auto linear = [](const Texts& more) {
    Texts texts = {{"data.source", "linear"}, {"model.layers", "linear 4, tanh, linear 1"}};
    texts.insert(more.begin(), more.end());
    return texts;
  };
  expect_same_loss_from_file({{"model.label-smoothing", "0.2"}});
  expect_same_loss_from_file({{"model.label-smoothing", "0.2"}, {"model.class-weights", "balanced"}});
  expect_same_loss_from_file(linear({}));
  expect_same_loss_from_file(linear({{"model.loss", "mae"}}));
  expect_same_loss_from_file(linear({{"model.loss", "huber"}, {"model.huber-delta", "0.01"}}));
  expect_same_loss_from_file(kTags);
}

TEST(SavedModel, OfALossWithoutItsParameterHasTheDefault) {
  const TemporaryFolder folder;
  TrainingRun run(blobs({{"model.label-smoothing", "0.2"}}));
  auto metadata = weights_metadata(run.trainer.network(), *run.problem);
  EXPECT_EQ(metadata.at("label-smoothing"), "0.2");
  metadata.erase("label-smoothing");
  const std::filesystem::path file = folder.path() / "w";
  write_safetensors(file, metadata, to_tensors(run.trainer.network()));
  SavedModel model = load_model(file);
  const Evaluation found = evaluate(model.model, *model.loss, model.normalization,
                                    all_of(run.problem->training), *run.communicator);
  const Evaluation expected = evaluate(model.model, *make_cross_entropy(0), model.normalization,
                                       all_of(run.problem->training), *run.communicator);
  EXPECT_EQ(found.loss, expected.loss);
}

TEST(SavedModel, RefusesADamagedDescription) {
  const TemporaryFolder folder;
  TrainingRun run(blobs());
  const auto metadata = weights_metadata(run.trainer.network(), *run.problem);
  const std::vector<std::pair<std::string, std::string>> damages = {
      {"loss", "hinge"},
      {"label-smoothing", "much"},
      {"label-smoothing", "-1"},
      {"weights of classes", "[1, 2]"},
      {"weights of classes", "[1, -2, 1]"},
      {"weights of classes", "1"},
      {"task", "ranking"},
      {"inputs", "0"},
      {"inputs", "1000000000000000000"},
      {"inputs", "2 x"},
      {"inputs", "2 x 0 x 1"},
      {"inputs", "1 x 1 x 1 x 1 x 2"},
      {"normalization", R"({"shift":[1,2],"scale":[1,1]})"}};
  for (const auto& [key, text] : damages) {
    auto damaged = metadata;
    damaged[key] = text;
    const std::filesystem::path file = folder.path() / "w";
    write_safetensors(file, damaged, to_tensors(run.trainer.network()));
    EXPECT_TRUE(is_bad_input([&] { load_model(file); }, {"w: ", key == "loss" ? "hinge" : "'" + key + "'"}));
  }
}

// The network that it asks for would take a terabyte.
TEST(SavedModel, TakesNoMemoryForANetworkThatTheFileDoesNotHold) {
  const TemporaryFolder folder;
  TrainingRun run(blobs());
  auto metadata = weights_metadata(run.trainer.network(), *run.problem);
  metadata["layers"] = "linear 16777216, relu, linear 16384";
  const std::filesystem::path file = folder.path() / "w";
  write_safetensors(file, metadata, to_tensors(run.trainer.network()));
  EXPECT_TRUE(
      is_bad_input([&] { load_model(file); }, {"w: holds 0.weight", "expected 0.weight [16777216 x "}));
}

class TargetsOfCsv : public testing::Test {
 protected:
  Texts texts(const std::string& label) const {
    return {{"data.source", file_.string()},
            {"data.task", "regression"},
            {"data.label", label},
            {"train.batch-size", "2"},
            {"model.layers", "linear 2"}};
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.write("a.csv", "x,y,z\n1,2,3\n4,5,6\n7,8,9\n");
};

TEST_F(TargetsOfCsv, AreNamedInTheWeightsFile) {
  TrainingRun run(blobs(texts("z,y")));
  const SavedModel model = load_model(saved(run, folder_));
  EXPECT_EQ(model.data.target_names, (std::vector<std::string>{"z", "y"}));
  EXPECT_TRUE(model.data.class_names.empty());
  check_fit(model, run.problem->training.description());
  const TrainingRun other(blobs(texts("y,z")));
  EXPECT_TRUE(is_bad_input([&] { check_fit(model, other.problem->training.description()); },
                           {"a.csv", "targets y, z", "trained for z, y", "set `label`"}));
}

TEST_F(TargetsOfCsv, FeaturesAreNamedInTheWeightsFile) {
  TrainingRun run(blobs(texts("z,y")));
  const SavedModel model = load_model(saved(run, folder_));
  EXPECT_EQ(model.data.feature_names, (std::vector<std::string>{"x"}));
  auto metadata = weights_metadata(run.trainer.network(), *run.problem);
  EXPECT_FALSE(metadata.contains("units"));
  for (const auto& [key, text] : Texts{{"features", "[\"x\", \"y\"]"}, {"units", "[[1, 1], [1, 1]]"}}) {
    auto damaged = metadata;
    damaged[key] = text;
    write_safetensors(folder_.path() / "w", damaged, to_tensors(run.trainer.network()));
    EXPECT_TRUE(is_bad_input([&] { load_model(folder_.path() / "w"); }, {"2 features", "'inputs' says 1"}));
  }
  metadata["features"] = "[1]";
  write_safetensors(folder_.path() / "w", metadata, to_tensors(run.trainer.network()));
  EXPECT_TRUE(is_bad_input([&] { load_model(folder_.path() / "w"); }, {"'features' is no list of names"}));
  metadata.erase("features");
  write_safetensors(folder_.path() / "w", metadata, to_tensors(run.trainer.network()));
  EXPECT_TRUE(load_model(folder_.path() / "w").data.feature_names.empty()) << "as older versions wrote it";
}

TEST_F(TargetsOfCsv, HaveAsManyNamesInTheWeightsFileAsThereAreOutputs) {
  TrainingRun run(blobs(texts("z,y")));
  const auto metadata = weights_metadata(run.trainer.network(), *run.problem);
  for (const auto& [names, count] : Texts{{R"(["z"])", "1"}, {R"(["z", "y", "x"])", "3"}}) {
    auto damaged = metadata;
    damaged["targets"] = names;
    write_safetensors(folder_.path() / "w", damaged, to_tensors(run.trainer.network()));
    EXPECT_TRUE(
        is_bad_input([&] { load_model(folder_.path() / "w"); }, {count + " targets", "'layers' says 2"}));
  }
}

TEST_F(TargetsOfCsv, NeedAnOutputEach) {
  for (const auto& [label, message] : Texts{{"y,z", "has 2 targets"}, {"z", "has 1 target;"}}) {
    Texts changed = texts(label);
    changed["model.layers"] = "linear 3";
    EXPECT_TRUE(is_bad_input([&] { TrainingRun{blobs(changed)}; }, {"gives 3 outputs", message}));
  }
}

/// What a problem on a table of this text warns of.
std::string warnings_of(const std::string& table, const Texts& more) {
  const TemporaryFolder folder;
  Texts texts = {{"data.source", folder.write("a.csv", table).string()}, {"train.batch-size", "1"}};
  texts.insert(more.begin(), more.end());
  testing::internal::CaptureStderr();
  make_problem(blobs(texts), *make_single_communicator());
  return testing::internal::GetCapturedStderr();
}

// Rows of a later file, with its columns in another order, by what the weights file says alone.
TEST(SavedModel, EmbedsTheCategoriesOfOtherFiles) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.csv", "town,x,tree,y\nu,1,oak,a\nv,2,elm,b\nu,3,,b\nv,4,elm,a\n");
  const TrainingRun run(blobs({{"data.source", file.string()},
                               {"train.batch-size", "2"},
                               {"model.layers", "embed-categories 2, linear auto"}}));
  SavedModel model = load_model(saved(run, folder));
  EXPECT_EQ(model.model.text(), "embed-categories 2 at=0-1/3-5, linear 2");
  const auto outputs = [&](const std::string& table) {
    const Dataset data = make_dataset(
        read_csv(folder.write("b.csv", table),
                 {.training = model.data, .wanted = Columns::kFeatures, .unseen = Unseen::kIgnore}));
    Batch batch;
    batch.samples = {0, 1};
    gather(data, model.normalization, batch);
    const test::OwnedBlock block(batch.samples);
    return Matrix(model.model.forward(block.evaluation(), {batch.features.data(), 2, model.model.inputs()}));
  };
  const Matrix expected = outputs("town,x,tree\nu,1,oak\nv,2,\n");
  EXPECT_EQ(outputs("tree,town,x\noak,u,1\n,v,2\n"), expected);
  EXPECT_NE(outputs("tree,town,x\nelm,u,1\n,v,2\n"), expected);
  // The category that is not known gives zeros: what is left are the other columns' parts and the bias.
  model.model.parameters()[4] = 0;  // "elm", after the two towns of two values each
  model.model.parameters()[5] = 0;
  EXPECT_EQ(outputs("tree,town,x\nash,u,1\n,v,2\n"), outputs("tree,town,x\nelm,u,1\n,v,2\n"));
}

TEST(Problem, WarnsOfClassesWithoutTrainingSamples) {
  const std::string table = "x,y\n1,a\n2,b\n3,a\n4,b\n5,c\n";
  EXPECT_EQ(warnings_of(table, {}), "");
  // Of six samples five are held out, and so at least two of the three classes.
  const std::string found = warnings_of("x,y\n1,a\n2,b\n3,c\n4,a\n5,b\n6,c\n", {{"data.validation", "0.83"}});
  EXPECT_NE(found.find("a.csv: classes '"), std::string::npos) << found;
  EXPECT_NE(found.find("have no training sample; hold out less"), std::string::npos) << found;
}

TEST(Problem, WarnsOfDigitsThatAreLostWithoutNormalisation) {
  const std::string table = "t,y\n1700000001,a\n1700000002,b\n1700000003,a\n";
  const std::string found = warnings_of(table, {{"data.normalize", "none"}});
  EXPECT_NE(found.find("3 different numbers of column 't' become 1 in single precision"), std::string::npos)
      << found;
  EXPECT_EQ(warnings_of(table, {}), "");
}

TEST(Problem, StartsFromWeightsOfTheSameNamesInTheSameOrder) {
  const TemporaryFolder folder;
  const auto texts = [&](const std::string& header) {
    return Texts{{"data.source", folder.write(header + ".csv", header + "\n1,2,0\n3,5,1\n2,2,1\n").string()},
                 {"train.batch-size", "2"},
                 {"model.layers", "linear 2"}};
  };
  TrainingRun run(blobs(texts("a,b,y")));
  const std::string init = saved(run, folder).string();
  const auto start = [&](const std::string& header) {
    Texts changed = texts(header);
    changed["model.init"] = init;
    testing::internal::CaptureStderr();
    std::exception_ptr error;
    try {
      const TrainingRun again(blobs(changed));
    } catch (const Error&) {
      error = std::current_exception();
    }
    std::string warnings = testing::internal::GetCapturedStderr();
    if (error) std::rethrow_exception(error);
    return warnings;
  };
  EXPECT_EQ(start("a,b,y"), "");
  EXPECT_TRUE(is_bad_input([&] { start("b,a,y"); }, {"model.init", "features are a, b", "another order"}));
  EXPECT_NE(start("a,c,y").find("trained with other features than those of"), std::string::npos);
}

TEST(Problem, RefusesALossForAnotherTask) {
  const auto problem = [](Texts texts) {
    texts.emplace("model.layers", "linear 3");
    return [=] { make_problem(blobs(texts), *make_single_communicator()); };
  };
  EXPECT_TRUE(is_bad_input(problem({{"model.loss", "huber"}}), {"`loss` = huber", "cross-entropy"}));
  EXPECT_TRUE(is_bad_input(problem({{"data.source", "tags"}, {"model.loss", "mse"}}), {"auto, bce"}));
  EXPECT_TRUE(is_bad_input(problem({{"model.huber-delta", "0.5"}}), {"`huber-delta`", "does not use it"}));
  EXPECT_TRUE(is_bad_input(problem({{"data.source", "linear"}, {"model.label-smoothing", "0.5"}}),
                           {"`label-smoothing`", "'mse' does not use it"}));
}

/// Sentences of 3 of 9 words.
SourceParts sentences() {
  DatasetContent all{.description = {.name = "sentences",
                                     .storage = Storage::kFloats,
                                     .samples = 4,
                                     .feature_shape = {3},
                                     .classes = 2,
                                     .categories = 9}};
  all.values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 0, 3};
  all.labels = {0, 1, 1, 0};
  return {.training = all, .test = std::nullopt};
}

/// Pictures of 2 x 2 pixels in three colours.
SourceParts pictures() {
  DatasetContent all{
      .description = {.name = "pictures", .samples = 2, .feature_shape = {3, 2, 2}, .classes = 2}};
  for (std::uint8_t value = 0; value < 24; ++value) all.bytes.push_back(value);
  all.labels = {0, 1};
  return {.training = all, .test = std::nullopt};
}

TEST(SavedModel, KnowsTheShapeOfPictures) {
  const TemporaryFolder folder;
  const Problem problem = make_problem(pictures, {}, *make_single_communicator());
  EXPECT_EQ(problem.normalization.features.shift, (std::vector<double>{10.5, 11.5, 12.5}))
      << "of each channel";
  Network network("conv 4 2, flatten, linear 2", shape_of(problem.training.description()));
  network.initialize(1, Initialization::kAuto);
  const std::filesystem::path file = folder.path() / "w";
  write_safetensors(file, weights_metadata(network, problem), to_tensors(network));
  const SavedModel saved = load_model(file);
  EXPECT_EQ(saved.model.text(), network.text());
  EXPECT_EQ(weights_digest(saved.model), weights_digest(network));
  EXPECT_EQ(saved.data.feature_shape, (std::vector<Index>{3, 2, 2}));
  EXPECT_EQ(saved.normalization.features.shift, problem.normalization.features.shift);
  check_fit(saved, problem.training.description());
  DatasetDescription other = problem.training.description();
  other.feature_shape = {3, 1, 4};
  EXPECT_TRUE(is_bad_input([&] { check_fit(saved, other); },
                           {"has samples of 3 x 1 x 4, the weights expect 3 x 2 x 2"}));
}

TEST(SavedModel, KnowsThatPicturesWereTransposed) {
  const TemporaryFolder folder;
  test::write_pictures(folder);
  DataSource source;
  source.source = folder.path().string();
  source.transpose = true;
  const Problem problem = make_problem([&] { return read_source(source); }, {}, *make_single_communicator());
  Network network("flatten, linear 3", shape_of(problem.training.description()));
  network.initialize(1, Initialization::kAuto);
  const std::filesystem::path file = folder.path() / "w";
  write_safetensors(file, weights_metadata(network, problem), to_tensors(network));
  DataSource as_stored = source;
  as_stored.transpose = false;
  const DatasetContent read = read_for_evaluation(as_stored, load_model(file).data, Part::kTest);
  EXPECT_EQ(digest(make_dataset(read)), digest(*problem.test));
}

TEST(Problem, RefusesATestPartOfAnotherKind) {
  const auto with_test = [](const auto& change) {
    return [=] {
      make_problem(
          [&] {
            SourceParts parts = sentences();
            parts.test = parts.training;
            change(parts.test->description);
            return parts;
          },
          {}, *make_single_communicator());
    };
  };
  EXPECT_NO_THROW(with_test([](DatasetDescription&) {})());
  EXPECT_TRUE(is_bad_input(with_test([](DatasetDescription& test) { test.categories = 10; }),
                           {"the test part has 10 categories", "9 and 2"}));
  EXPECT_TRUE(is_bad_input(with_test([](DatasetDescription& test) {
                             test.feature_shape = {3, 1};
                           }),
                           {"samples of 3 x 1 features", "of 3;"}));
}

TEST(Problem, LeavesCategoriesAsTheyAreAndKeepsTheirNumberWithTheWeights) {
  const auto communicator = make_single_communicator();
  const Problem problem = make_problem(sentences, {}, *communicator);
  EXPECT_TRUE(problem.normalization.features.shift.empty());
  EXPECT_EQ(problem.sample(), Shape::of_categories({3}, 9));
  Trainer trainer(*communicator, Network("embedding 4, linear 2", problem.sample()), problem,
                  {.batch_size = 2, .epochs = 1});
  trainer.run();
  const TemporaryFolder folder;
  const auto file = folder.path() / "weights.safetensors";
  trainer.save(file);

  SavedModel saved = load_model(file);
  EXPECT_EQ(weights_digest(saved.model), weights_digest(trainer.network()));
  EXPECT_NO_THROW(check_fit(saved, problem.training.description()));
  DatasetDescription other = problem.training.description();
  other.categories = 0;
  EXPECT_TRUE(
      is_bad_input([&] { check_fit(saved, other); }, {"has real numbers, the weights expect 9 categories"}));
}

TEST(Problem, HasTheTestSamplesAskedFor) {
  const TrainingRun run(blobs({{"data.test-samples", "31"}}));
  EXPECT_EQ(run.problem->training.size(), 200);
  EXPECT_EQ(run.problem->test->size(), 31);
}

}  // namespace
}  // namespace lockstep
