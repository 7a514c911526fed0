#pragma once

#include <string>
#include <vector>

#include "lockstep/optim/algorithm.hpp"
#include "study/study.hpp"

namespace lockstep {

/// All optimizers on one problem, each at the learning rate that suits it best: rates are tried in steps of
/// √10 from its default, in whichever direction the final loss falls: that of validation samples where there
/// are such, else of training samples (lecture, "Comparison").
Study optimizers_study();

/// Batch, mini-batch and single-sample descent: loss against epochs and against gradient evaluations, and the
/// variance of the gradient against the batch size B, beside what sampling without replacement predicts, tr Σ
/// / B · (N - B) / (N - 1) (Cochran: Sampling techniques, 1977, theorem 2.2).
Study batch_regimes_study();

/// One training whose learning rate rises by the same factor from step to step: where its loss falls fastest,
/// and where it is smallest (Smith: Cyclical learning rates, arXiv 1506.01186, section 3.3, with a rate that
/// rises exponentially).
Study learning_rate_study();

/// How large a batch still pays: steps and samples to a target against the batch size, each at the learning
/// rate that suits it best; the critical batch of the fitted curves, and the gradient noise scale beside it
/// (Shallue et al., arXiv 1811.03600; McCandlish et al., arXiv 1812.06162; Goyal et al., arXiv 1706.02677).
Study batch_size_study();

/// Loss of training and held-out samples with and without weight decay (lecture, "Weight decay"; Zhang et
/// al.: Dive into Deep Learning, section 3.7).
Study weight_decay_study();

/// The L2 penalty in Adam against AdamW's decoupled decay at several strengths (Loshchilov, Hutter, arXiv
/// 1711.05101, section 2).
Study adam_decay_study();

/// The gap of the loss of held-out samples to the training loss with the network's dropout layers and without
/// them.
Study dropout_study();

/// The training samples in K folds, and K trainings, from each of which another fold is held out: mean and
/// deviation over the folds of the loss and of every measure (Stone: Cross-validatory choice and assessment
/// of statistical predictions. J. R. Stat. Soc. B 36, 1974).
Study cross_validation_study();

/// Which columns of a table saved weights go by: how much worse they do on samples that they were not trained
/// on where one column is permuted over these (Breiman: Random forests. Machine Learning 45, 2001, section
/// 10; Fisher, Rudin, Dominici: All models are wrong, but many are useful. JMLR 20, 2019). Trains nothing.
Study importance_study();

/// Paths of the optimizers over two-dimensional surfaces, each at the best of many learning rates.
Study surfaces_study();

/// Strong and weak scaling over sub-groups of the ranks, measured in one run, and a model of a step's time
/// that is fitted to it: see step_model.hpp.
Study scaling_study();

/// The time to a target over ranks and batch sizes, from a study of batch sizes and one of scaling: see
/// time_to_target.hpp. Trains nothing.
Study plan_study();

/// What is compared where optimizers are: every registered algorithm, and SGD with its two kinds of momentum.
struct Method {
  std::string name;
  const Algorithm* algorithm = nullptr;
  Hyperparameters hyperparameters;  ///< other than the defaults
};
std::vector<Method> methods();

/// The settings of the same network with nothing random in it.
std::map<std::string, std::string> without_dropout(const Config& config);

/// What several studies take.
StudyOption seeds_option(const std::string& default_value = "3");
StudyOption evaluations_option();
StudyOption rates_option(const std::string& default_value);

}  // namespace lockstep
