// What `predict` reads of a table: bytes for the sizes of a network and for `unseen`, a line with what its
// weights file says of the data it was trained on (the "__metadata__" of safetensors), and the table.

#include "train/evaluation/predict.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "fuzz.hpp"
#include "lockstep/comm/communicator.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/data/source.hpp"
#include "lockstep/nn/safetensors.hpp"
#include "lockstep/train/problem.hpp"

namespace {

/// A weights file with `metadata`, of a linear network.
std::string weights_file_of(std::string_view metadata, std::size_t inputs, std::size_t outputs) {
  const std::size_t weight_end = inputs * outputs * sizeof(float);
  const std::size_t end = weight_end + outputs * sizeof(float);
  const std::string header =
      fmt::format(R"({{"__metadata__":{},"0.weight":{{"dtype":"F32","shape":[{},{}],"data_offsets":[0,{}]}},)"
                  R"("0.bias":{{"dtype":"F32","shape":[{}],"data_offsets":[{},{}]}}}})",
                  metadata, outputs, inputs, weight_end, outputs, weight_end, end);
  const std::uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + header + std::string(end, '\0');
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lockstep;
  fuzz::Input input(data, size);
  const std::size_t inputs = input.choose(8) + 1;
  const std::size_t outputs = input.choose(4) + 1;
  const std::size_t unseen = input.choose(2);
  const std::string_view text = input.text();
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string_view table = text.substr(std::min(line + 1, text.size()));
  fuzz::expect_value_or_error([&] {
    const std::string weights = weights_file_of(text.substr(0, line), inputs, outputs);
    SavedModel saved = load_model(fuzz::file_of(std::as_bytes(std::span(weights))));
    DataSource source;
    source.task = saved.data.task;
    source.source = fuzz::file_of(std::as_bytes(std::span(table))).string();
    source.csv.unseen = std::array{Unseen::kRefuse, Unseen::kIgnore}[unseen];
    const Dataset samples = make_dataset(read_for_prediction(source, saved.data));
    check_features(saved, samples.description());
    std::string lines;
    const auto world = make_single_communicator();
    predict(saved.model, of_stored_values(saved.normalization, samples.description().units), all_of(samples),
            PredictionTable(saved.data, saved.loss, saved.normalization.targets), *world,
            [&](std::string_view more) { lines += more; });
    fuzz::expect(std::ranges::count(lines, '\n') > samples.size(), "fewer lines than samples");
  });
  return 0;
}
