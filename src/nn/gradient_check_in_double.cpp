#include "lockstep/nn/gradient_check_in_double.hpp"

#include <algorithm>

#include "lockstep/data/batch.hpp"
#include "lockstep/nn/losses.hpp"

namespace lockstep {

std::vector<GradientCheck> check_gradients_in_double(const GradientCheckCase& check, Index per_tensor) {
  const DatasetDescription& data = check.data.description();
  Batch batch;
  batch.samples.assign(check.samples.begin(), check.samples.end());
  gather(check.data, check.normalization, batch);
  Network model(check.layers, shape_of(data));
  std::copy(check.parameters.begin(), check.parameters.end(), model.parameters().begin());
  const ChosenLoss loss = choose_loss(check.loss, check.loss_parameters, data.task, check.class_weights);
  const RowBlock block{
      .micro_batches = {}, .samples = batch.samples, .training = true, .seed = check.seed, .step = 0};
  return check_gradients(
      model, *loss.loss, block, ConstMatrixView(batch.features.data(), batch.rows(), data.features()),
      {.labels = batch.labels, .values = batch.targets, .weights = batch.weights}, per_tensor);
}

}  // namespace lockstep
