#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "lockstep/train/evaluation.hpp"
#include "train/evaluation/permuted_column.hpp"

namespace lockstep {

/// How much worse a network does where a column is permuted, once a permutation.
struct ColumnImportance {
  std::string name;
  Index features = 1;              ///< that stand for it
  std::vector<double> loss = {};   ///< by how much it rises
  std::vector<double> score = {};  ///< by how much Importance::score falls
};

/// What permuting the columns of held-out samples does.
struct Importance {
  std::string part;       ///< of the data
  Evaluation unpermuted;  ///< of the same samples as they are
  std::string score;      ///< the measure beside the loss: "accuracy", or "r2" of a regression
  std::vector<ColumnImportance> columns;  ///< most important first
};

/// The measure that stands beside the loss, and its value, NaN where it is not known.
std::string score_name(const Evaluation& evaluation);
double score_of(const Evaluation& evaluation);

/// Orders columns by their mean rise of the loss, largest first; one that makes it not finite comes first,
/// and equal ones stay as they are.
void sort_by_importance(std::vector<ColumnImportance>& columns);

/// The table, a line a column: means and sample deviations over the permutations, as CSV and as lines for a
/// terminal, of which at most `most` columns.
std::string importance_csv(const Importance& importance);
std::vector<std::string> importance_lines(const Importance& importance, std::size_t most);

/// What it comes to, in sentences.
std::vector<std::string> importance_findings(const Importance& importance);

/// The page's sections: bars of the loss and of the score, and the table.
std::vector<nlohmann::ordered_json> importance_sections(const Importance& importance);

}  // namespace lockstep
