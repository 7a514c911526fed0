// What may be wrong with the columns that say to which group a row belongs, and what it counts for.

#include "bad_input_cases.hpp"

namespace lockstep::test {

namespace {

std::function<void(const TemporaryFolder&)> visits(const std::string& rows) {
  return [=](const TemporaryFolder& folder) { folder.write("v.csv", "who,w,x,y\n" + rows); };
}

/// Two groups of two rows.
const std::string kVisits = "p,1,1,a\np,1,2,b\nq,1,3,a\nq,1,4,b\n";

BadInput of_training(const std::string& name, const Words& words, const std::string& fragment,
                     const std::string& rows = kVisits) {
  const Words training = {"train",    "--run.dir",          "run", "--data.source", "v.csv", "--model.layers",
                          "linear 2", "--train.batch-size", "2"};
  return {name, training + words, fragment, visits(rows)};
}

}  // namespace

std::vector<BadInput> bad_groups_and_weights() {
  const Words group = {"--data.group", "who"};
  const Words weight = {"--data.weight", "w"};
  return {
      of_training("UnknownGroup", {"--data.group", "whom"},
                  "data.group = whom: no column 'whom' in v.csv; did you mean 'who'?"),
      of_training("UnknownWeight", {"--data.weight", "weight"},
                  "data.weight = weight: no column 'weight' in v.csv"),
      of_training("GroupBeyondTheColumns", {"--data.group", "4"}, "data.group = 4: no column '4' in v.csv"),
      of_training("LabelAsGroup", {"--data.group", "y"},
                  "data.group = y: is a column of the label; name another"),
      of_training("LabelAsWeight", {"--data.weight", "3"},
                  "data.weight = 3: is a column of the label; name another"),
      of_training("WeightAsGroup", weight + Words{"--data.group", "w"},
                  "data.group = w: is a column of the weight; name another"),
      of_training("GroupAsAFeature", group + Words{"--data.columns", "x,who"},
                  "data.columns = x,who: column 'who' is the group; remove it"),
      of_training("NoGroupInARow", group, "v.csv:3: column 1 ('who'): expected the row's group, found ''",
                  "p,1,1,a\n,1,2,b\nq,1,3,a\n"),
      of_training("NegativeWeight", weight,
                  "v.csv:3: column 2 ('w'): expected a weight not below 0, found '-1'",
                  "p,1,1,a\np,-1,2,b\n"),
      of_training("InfiniteWeight", weight, "v.csv:2: column 2 ('w'): expected a finite number",
                  "p,inf,1,a\np,1,2,b\n"),
      of_training("NoWeightInARow", weight, "v.csv:3: column 2 ('w'): expected the row's weight, found 'nan'",
                  "p,1,1,a\np,nan,2,b\n"),
      of_training("TextAsWeight", weight, "v.csv:2: column 2 ('w'): expected a number, found 'much'",
                  "p,much,1,a\np,1,2,b\n"),
      of_training("WeightsThatAreAllZero", weight,
                  "data.weight: all 2 training samples of v.csv have the weight 0", "p,0,1,a\nq,0,2,b\n"),
      of_training("MoreFoldsThanGroups", group + Words{"--data.fold", "1/3"},
                  "data.fold: 2 groups of v.csv do not fill 3 folds; use at most 2"),
      {"MoreFoldsThanGroupsInAStudy",
       {"study", "cross-validation", "--folds", "3", "--run.dir", "run", "--data.source", "v.csv",
        "--data.group", "who", "--model.layers", "linear 2"},
       "data.fold: 2 groups of v.csv do not fill 3 folds; use at most 2",
       visits(kVisits)},
      of_training("StratifiedGroups", group + Words{"--data.fold", "1/2", "--data.hold-out", "stratified"},
                  "data.hold-out = stratified: not known for groups (data.group)"),
  };
}

}  // namespace lockstep::test
