#include <fmt/ranges.h>

#include "cli/commands.hpp"
#include "cli/weights_settings.hpp"
#include "core/new_file.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/parallel/agreement.hpp"
#include "train/export/onnx.hpp"
#include "train/run/run_directory.hpp"

namespace lockstep {

namespace {

std::string text_of(const OnnxValue& value) {
  const std::string type = value.type == OperatorGraph::kDouble ? "double" : "float";
  return fmt::format("{}: {} [N, {}]", value.name, type, fmt::join(value.axes, ", "));
}

void run_export(const Arguments& arguments, Communicator& world) {
  together(world, [&] {
    if (world.rank() != 0) return;
    const std::string file = weights_file(required_option(arguments, "weights")).string();
    const std::string output = required_option(arguments, "output");
    check_described(read_safetensors(file), file, "export");
    const OnnxModel model = to_onnx(load_model(file));
    NewFile written(output);
    written.append(onnx_file(model));
    written.finish();
    log::info(fmt::format("{}\n  {}\n  {}", output, text_of(model.input), text_of(model.output)));
  });
}

}  // namespace

Command export_command() {
  return {
      .name = "export",
      .usage = "--weights FILE|RUN_DIR --output MODEL.onnx",
      .brief = "Writes saved weights as an ONNX model, for programs other than Lockstep.",
      .details =
          "The model takes the numbers of a data file as they are, and gives\n  of classes     "
          "probabilities, one a class\n  of targets     values, in the units of the file\n  of labels      "
          "probabilities, one a label.\nA table's input is its features, in the order of `features` in the "
          "model's metadata, where texts and dates are numbers already. Prints the shapes of both.",
      .examples = {"lockstep export --weights runs/a --output model.onnx",
                   "lockstep export --weights runs/a/weights.safetensors --output last.onnx"},
      .options = {weights_option(), {"output", "", "the file to write"}},
      .takes_settings = false,
      .needs_ranks = false,
      .run = run_export};
}

}  // namespace lockstep
