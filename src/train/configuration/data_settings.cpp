#include <utility>

#include "core/named.hpp"
#include "core/text.hpp"
#include "data/augmentation_text.hpp"
#include "train/configuration/settings.hpp"

namespace lockstep::inline LOCKSTEP_REAL {

namespace {

std::vector<std::pair<std::string, Task>> task_choices() {
  std::vector<std::pair<std::string, Task>> choices;
  for (const NamedTask& named : tasks()) choices.emplace_back(named.name, named.task);
  return choices;
}

const std::vector<std::pair<std::string, NormalizationKind>> kNormalizations = {
    {"standard", NormalizationKind::kStandard},
    {"unit", NormalizationKind::kUnit},
    {"none", NormalizationKind::kNone}};

Field changes_of_pictures(Augmentation& field) {
  return {.assign = [&field](const std::string& text) { return read_augmentation(text, field); },
          .text = [&field] { return to_text(field); }};
}

}  // namespace

void add_data(Config::Data& data, std::vector<Setting>& settings) {
  DataSource& source = data.source;
  const std::int64_t most_samples = std::int64_t{1} << 32U;
  constexpr Index kLongestSide = 1 << 14;
  settings.insert(
      settings.end(),
      {{"data.source", "fashion-mnist",
        "fashion-mnist, a folder of IDX, CIFAR or NPY files or of pictures, FILE.csv, FILE.npz, FILE.h5, " +
            join(synthetic_names()),
        words(source.source)},
       {"data.test", "", "CSV: the file with the test samples", words(source.test)},
       {"data.prefix", "", "IDX: what file names begin with, such as emnist-letters-", words(source.prefix)},
       {"data.transpose", "false",
        "IDX: whether rows and columns of each picture change places, which EMNIST needs: true, false",
        choice(source.transpose, {{"true", true}, {"false", false}})},
       {"data.task", "classification", "CSV: " + join(names_of(tasks())) + "; arrays: the first two",
        choice(source.task, task_choices())},
       {"data.label", "-1",
        "CSV: label column, its name or number from 0 (negative: from the end); a list for several targets",
        words(source.csv.label)},
       {"data.group", "",
        "CSV: column whose rows of the same text, as of a patient, stay together where some are held out",
        words(source.csv.group)},
       {"data.weight", "", "CSV: column with each row's weight in the loss, a number not below 0",
        words(source.csv.weight)},
       {"data.header", "auto",
        "CSV: whether the first line names the columns: auto (if features in it are text and none a number), "
        "yes, no",
        choice(source.csv.header, {{"auto", Header::kAuto}, {"yes", Header::kYes}, {"no", Header::kNo}})},
       {"data.separator", "auto", "CSV: what separates fields: comma, semicolon, tab, bar, or auto",
        choice(source.csv.separator,
               {{"auto", std::nullopt}, {"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"bar", '|'}})},
       {"data.columns", "",
        "CSV: the columns for features, as data.label lists them; empty: all but the label",
        words(source.csv.columns)},
       {"data.ignore", "", "CSV: columns that are not for features", words(source.csv.ignore)},
       {"data.categories", "", "CSV: columns of categories, though they are numbers, such as a postcode",
        words(source.csv.categories)},
       {"data.max-categories", "100",
        "CSV: how many categories a column may have, each with a feature; of more, the most frequent ones",
        whole(source.csv.max_categories, 1, 1 << 20)},
       {"data.missing", "", "CSV: words for a missing value, beside an empty field, ?, NA and the like",
        words(source.csv.missing)},
       {"data.unseen", "refuse",
        "CSV: what a later file holds and the training file did not, a category or a gap: refuse, ignore (a "
        "gap is "
        "the column's mean, a category none of those known)",
        choice(source.csv.unseen, {{"refuse", Unseen::kRefuse}, {"ignore", Unseen::kIgnore}})},
       {"data.resize", "none", "pictures: HEIGHT WIDTH or one number for both, to which they are resized",
        sides(source.pictures.height, source.pictures.width, kLongestSide)},
       {"data.colour", "auto", "pictures: grey, colour, or auto: colour if any of them has colour",
        choice(source.pictures.colour,
               {{"auto", Colour::kAuto}, {"grey", Colour::kGrey}, {"colour", Colour::kColour}})},
       {"data.scratch", "",
        "folder on a disk for the numbers of files that are too large for memory; empty: $TMPDIR, or else "
        "/var/tmp",
        words(source.scratch.folder)},
       {"data.samples", "1000", "synthetic: samples of the training part",
        whole(source.synthetic.samples, 1, most_samples)},
       {"data.test-samples", "auto", "synthetic: samples of the test part, or auto: as many as data.samples",
        whole_or(source.synthetic.test_samples, "auto", most_samples)},
       {"data.features", "20", "synthetic: features", whole(source.synthetic.features, 1, 1 << 24)},
       {"data.classes", "4", "synthetic: classes, or labels of tags",
        whole(source.synthetic.classes, 2, 1 << 16)},
       {"data.seed", "1", "seed of synthetic data and of the choice of validation samples",
        whole(source.synthetic.seed, 0)},
       {"data.normalize", "standard", "features to mean 0 and deviation 1 (standard), to 0 … 1 (unit), none",
        choice(data.normalize, kNormalizations)},
       {"data.normalize-targets", "standard",
        "regression: the same of the targets, which is undone in all that is predicted",
        choice(data.normalize_targets, kNormalizations)},
       {"data.augment", "none",
        "what happens to pictures in training, at random and in this order, or none: crop PAD [edge], flip, "
        "brightness MOST, contrast MOST, cutout SIZE, mixup ALPHA",
        changes_of_pictures(data.augment)},
       {"data.validation", "0", "part of the training samples that is held out, such as 0.1",
        real(data.validation, 0, 1, true)},
       {"data.hold-out", "random", "which are held out: random, or stratified: of each class its part",
        choice(data.hold_out, {{"random", HoldOut::kRandom}, {"stratified", HoldOut::kStratified}})},
       {"data.fold", "none",
        "none, or K/N: the K-th of N folds of the training samples is held out, in the place of "
        "data.validation",
        fold(data.fold)}});
}

}  // namespace lockstep::inline LOCKSTEP_REAL
