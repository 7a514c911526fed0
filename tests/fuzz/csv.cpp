// CSV files of all tasks, with and without a header, and with labels of all kinds.

#include "lockstep/data/csv.hpp"

#include <array>
#include <string>

#include "fuzz.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  static const std::array<std::string, 6> labels = {"-1", "0", "label", "1, -1", "a, b", ""};
  fuzz::Input input(data, size);
  CsvOptions options;
  options.task = tasks()[input.choose(tasks().size())].task;
  options.header = std::array{Header::kAuto, Header::kYes, Header::kNo}[input.choose(3)];
  options.label = labels[input.choose(labels.size())];
  const std::size_t before = input.choose(5);
  options.unseen = std::array{Unseen::kRefuse, Unseen::kIgnore}[input.choose(2)];
  const std::size_t wish = input.choose(4);
  if (wish == 1) options.columns = "a, 0";
  if (wish == 2) options.ignore = "b";
  if (wish == 3) options.categories = "0, a";
  if (before == 2) {
    options.training = DatasetDescription{
        .name = "training",
        .task = options.task,
        .feature_shape = {6},
        .classes = 2,
        .feature_names = {"a", "a missing", "b=x", "c", "c month", "c weekday"},
        .columns = {{.name = "a", .has_gaps = true},
                    {.name = "id", .kind = TableColumn::Kind::kLeftOut},
                    {.name = "b", .kind = TableColumn::Kind::kCategory, .categories = {"x"}},
                    {.name = "c", .kind = TableColumn::Kind::kDate}}};
  }
  if (before == 1) {
    options.training = DatasetDescription{.name = "training",
                                          .task = options.task,
                                          .feature_shape = {1},
                                          .classes = 2,
                                          .class_names = {"no", "yes"},
                                          .target_names = {"b"},
                                          .feature_names = {"a"},
                                          .units = {{1000, 0.5}}};
  }
  fuzz::expect_value_or_error([&] { make_dataset(read_csv(fuzz::file_of(input.bytes()), options)); });
  return 0;
}
