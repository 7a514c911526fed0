#include "bad_input_cases.hpp"

#include <cstdint>
#include <utility>

#include "idx_files.hpp"

namespace lockstep::test {

namespace {

using Prepare = std::function<void(const TemporaryFolder&)>;

const Words kBlobRun = {"train",    "--run.dir",          "run", "--data.source",
                        "blobs",    "--data.samples",     "64",  "--model.layers",
                        "linear 4", "--train.batch-size", "16"};

Prepare file(const std::string& name, const std::string& content) {
  return [=](const TemporaryFolder& folder) { folder.write(name, content); };
}

Words train_on(const std::string& source) {
  return {"train",    "--run.dir",          "run", "--data.source", source, "--model.layers",
          "linear 2", "--train.batch-size", "2"};
}

/// A folder with these training images and labels.
Prepare idx_folder(const std::string& images, const std::string& labels, const std::string& suffix = "") {
  return [=](const TemporaryFolder& folder) {
    std::filesystem::create_directory(folder.path() / "set");
    folder.write("set/train-images-idx3-ubyte" + suffix, images);
    folder.write("set/train-labels-idx1-ubyte", labels);
  };
}

const std::string kValidImages = idx_header({4, 2, 2}) + std::string(16, '\x33');
const std::string kValidLabels = idx_header({4}) + std::string("\0\1\0\1", 4);

}  // namespace

std::vector<BadInput> bad_usage() {
  return {
      {"UnknownCommand", {"trian"}, "did you mean 'train'?"},
      {"UnknownOption", kBlobRun + Words{"--weihgts", "x"}, "--weihgts: unknown option"},
      {"OptionLikeAKey", kBlobRun + Words{"--learning-rate", "1"},
       "did you mean '--optimizer.learning-rate'?"},
      {"OptionThatTheCommandRefuses",
       {"inspect", "--data.source", "blobs", "--lr", "1"},
       "--lr: unknown option (see --help)\n"},
      {"OptionOfAnotherProgram", kBlobRun + Words{"--lr", "1"}, "did you mean '--optimizer.learning-rate'?"},
      {"OptionOfAnotherProgramWithItsValue", kBlobRun + Words{"--lr=1"},
       "--lr: unknown option (see --help); did you mean '--optimizer.learning-rate'?"},
      {"SectionAsAnOption", kBlobRun + Words{"--optimizer", "adam"},
       "--optimizer: is a section; did you mean '--optimizer.name'? (see --help optimizer)"},
      {"OptimizerInOtherLetters", kBlobRun + Words{"--optimizer.name", "AdamW"}, "did you mean 'adamw'?"},
      {"MissingComma", kBlobRun + Words{"--model.layers", "linear 32 relu linear 4"},
       "a comma is missing before 'relu'; expected 'linear 32, relu, linear 4'"},
      {"LayerOfAnotherProgram", kBlobRun + Words{"--model.layers", "dense 4"}, "did you mean 'linear'?"},
      {"UnknownKey",
       kBlobRun + Words{"--train.batchsize", "8"},
       "did you mean '--train.batch-size'?",
       {},
       {0, 3, 8}},
      {"StrayWord", kBlobRun + Words{"fast"}, "'fast': unexpected"},
      {"MissingValue", kBlobRun + Words{"--train.seed"}, "--train.seed: needs a value"},
      {"ResumeNothing", {"train", "--resume", ""}, "--resume: names no directory"},
      {"ValueOfASwitch", {"bench", "--json=yes"}, "--json: takes no value"},
      {"HelpOnNothing", {"train", "--help", "momentun"}, "did you mean 'optimizer.momentum'?"},
      {"HelpOnNoCommandAndNoKey", {"help", "optimizer.momentun"}, "did you mean 'optimizer.momentum'?"},
      {"HelpOnWhatHasNoEffect",
       {"verify", "--help=checkpoint"},
       "--help checkpoint: 'verify' has no settings of this name; expected all, data, model, train"},
      // Boost replaces such words in its own messages, and for ever in these.
      {"PlaceholderAsOption", kBlobRun + Words{"--%canonical_option%="},
       "--%canonical_option%: needs a value"},
      {"UnknownKeyTwiceInAFile",
       {"train", "--config", "f.cfg"},
       "f.cfg: none.such is given twice",
       file("f.cfg", "[none]\nsuch = 1\nsuch = 2\n")},
      {"PlaceholderInAFile",
       {"train", "--config", "f.cfg"},
       "f.cfg: '%invalid_line%': expected [section] lines",
       file("f.cfg", "[train]\n%invalid_line%\n")},
      {"SourceInBackquotes", kBlobRun + Words{"--data.source", "`nowhere"},
       "data.source = `nowhere: no such data set"},
      // No more than a name in the message that is spelled otherwise.
      {"SourceNamedAsAnOption", kBlobRun + Words{"--data.source", "`header`"},
       "data.source = data.header: no such data set"},
      {"MissingSource", kBlobRun + Words{"--data.source", "nowhere"}, "nowhere"},
      {"MissingSourceAlone", train_on("nowhere"), "data.source = nowhere", {}, {0, 3, 8}},
      {"ZeroBatch", kBlobRun + Words{"--train.epochs", "0"}, "train.epochs = 0 (on the command line)"},
      {"NegativeEpochs", kBlobRun + Words{"--train.epochs", "-3"}, "train.epochs = -3"},
      {"NegativeRate", kBlobRun + Words{"--optimizer.learning-rate", "-1"}, "optimizer.learning-rate = -1"},
      {"NotANumberRate", kBlobRun + Words{"--optimizer.learning-rate", "nan"},
       "optimizer.learning-rate = nan"},
      {"TextRate", kBlobRun + Words{"--optimizer.learning-rate", "fast"}, "optimizer.learning-rate = fast"},
      {"HugeCount", kBlobRun + Words{"--train.steps", "99999999999999999999"}, "train.steps"},
      {"FractionOfABatch", kBlobRun + Words{"--train.micro-batches", "2.5"}, "train.micro-batches = 2.5"},
      {"ValidationOfAll", kBlobRun + Words{"--data.validation", "1"}, "data.validation = 1"},
      {"FoldBesideValidation", kBlobRun + Words{"--data.validation", "0.2", "--data.fold", "1/5"},
       "data.validation (on the command line): has no effect where a fold is held out"},
      {"MoreFoldsThanSamples", kBlobRun + Words{"--data.fold", "1/65"},
       "data.fold: 64 samples do not fill 65 folds; use at most 64"},
      {"HoldOutOfNothing", kBlobRun + Words{"--data.hold-out", "stratified"},
       "data.hold-out (on the command line): has no effect where nothing is held out"},
      {"StratifiedTargets",
       kBlobRun + Words{"--data.source", "linear", "--model.layers", "linear 1", "--data.validation", "0.2",
                        "--data.hold-out", "stratified"},
       "data.hold-out = stratified: needs classes, the data are regression"},
      {"WeightsOfClassesOfTargets",
       kBlobRun + Words{"--data.source", "linear", "--model.layers", "linear 1", "--model.class-weights",
                        "balanced"},
       "model.class-weights = balanced: needs classes, the data are regression"},
      {"WeightsOfAClassWithoutSamples",
       train_on("c.csv") + Words{"--data.validation", "0.84", "--model.class-weights", "balanced"},
       "model.class-weights = balanced: c.csv has no training sample of",
       file("c.csv", "x,y\n1,a\n2,b\n3,a\n4,a\n5,a\n6,a\n")},
      {"ValidationOfAlmostAll", kBlobRun + Words{"--data.validation", "0.999"}, "leaves none"},
      {"BatchLargerThanData", kBlobRun + Words{"--data.samples", "8"}, "larger than the 8 training samples"},
      {"UnknownLayer", kBlobRun + Words{"--model.layers", "liner 4"}, "did you mean 'linear'?"},
      {"NoLayers", kBlobRun + Words{"--model.layers", ""}, "model.layers"},
      {"LayerWithoutNumber", kBlobRun + Words{"--model.layers", "linear"}, "expected 'linear OUTPUTS'"},
      {"BadDropout", kBlobRun + Words{"--model.layers", "dropout 1, linear 4"}, "dropout"},
      {"LastLayerDoesNotFit", kBlobRun + Words{"--model.layers", "linear 3"},
       "end the network with 'linear 4'"},
      {"LossDoesNotFit", kBlobRun + Words{"--model.loss", "mse"}, "model.loss = mse"},
      {"UnknownChangeOfPictures", kBlobRun + Words{"--data.augment", "flip, crp 4"},
       "data.augment = flip, crp 4 (on the command line): expected some of crop PAD [edge], flip"},
      {"ChangeOfPicturesInATable",
       kBlobRun + Words{"--data.augment", "flip"},
       "data.augment = flip: changes pictures, and blobs has none",
       {},
       {0, 3, 8}},
      {"EvaluateAugmented",
       {"evaluate", "--weights", "none", "--data.augment", "flip"},
       "data.augment (on the command line): has no effect on 'evaluate'"},
      {"UnknownLoss", kBlobRun + Words{"--model.loss", "hinge"}, "expected one of: auto, cross-entropy, mse"},
      {"LossOfSeveralLabels", kBlobRun + Words{"--model.loss", "bce"}, "fits multi-label", {}, {0, 3, 8}},
      {"ParameterOfAnotherLoss", kBlobRun + Words{"--model.huber-delta", "2"},
       "model.huber-delta = 2: the loss 'cross-entropy' does not use it"},
      {"ZeroHuberDelta", kBlobRun + Words{"--model.huber-delta", "0"}, "model.huber-delta = 0"},
      {"CountOfSkippedStepsThatStopTheRun", kBlobRun + Words{"--train.nonfinite-limit", "3"},
       "train.nonfinite-limit (on the command line): has no effect without train.on-nonfinite = skip"},
      {"PatienceWithoutValidationSamples",
       kBlobRun + Words{"--train.patience", "3"},
       "train.patience = 3: needs samples to choose by, which are not those of a test part; set "
       "data.validation",
       {},
       {0, 3}},
      {"WatchWithoutValidationSamples", kBlobRun + Words{"--train.watch", "accuracy"},
       "train.watch = accuracy: needs samples to choose by"},
      {"BestCheckpointWithoutValidationSamples", kBlobRun + Words{"--checkpoint.best", "true"},
       "checkpoint.best = true: needs samples to choose by"},
      {"WatchOfTheTestPart", kBlobRun + Words{"--train.watch", "test"}, "expected one of: loss, accuracy"},
      {"AccuracyOfARegression",
       kBlobRun + Words{"--data.source", "linear", "--model.layers", "linear 1", "--data.validation", "0.1",
                        "--train.watch", "accuracy"},
       "train.watch = accuracy: a regression has none"},
      {"NegativePatience", kBlobRun + Words{"--train.patience", "-1"}, "train.patience = -1"},
      {"VerifyWithPatience",
       {"verify", "--train.patience", "5", "--data.source", "blobs", "--model.layers", "linear 4"},
       "train.patience (on the command line): has no effect on 'verify'"},
      {"StudyWithPatience",
       {"study", "dropout", "--train.patience", "5", "--data.source", "blobs"},
       "train.patience (on the command line): has no effect on 'study'"},
      {"VerifyWithCheckpoints",
       {"verify", "--checkpoint.every", "5", "--data.source", "blobs", "--model.layers", "linear 4"},
       "checkpoint.every (on the command line): has no effect on 'verify'"},
      {"BenchOfAFolderWithoutCheckpoints",
       {"bench", "--run.dir", "run"},
       "run.dir (on the command line): has no effect on 'bench' without checkpoint.every"},
      {"GradcheckOfAnOptimizer", {"gradcheck", "--optimizer.l2", "1"}, "optimizer.l2"},
      {"ScheduleOfANetwork",
       {"schedule", "--train.steps", "5", "--model.layers", "linear 4"},
       "model.layers (on the command line): has no effect on 'schedule'"},
      {"LabelOfASyntheticSet", kBlobRun + Words{"--data.label", "0"},
       "data.label: has an effect only for CSV"},
      {"SamplesOfATable",
       {"train", "--data.source", "a.csv", "--data.samples", "64", "--model.layers", "linear 2"},
       "data.samples: has an effect only for synthetic sets, but data.source = a.csv",
       file("a.csv", "1,2,0\n1,3,1\n")},
      {"TaskOfASyntheticSet", kBlobRun + Words{"--data.task", "multi-label"}, "remove data.task"},
      {"NoTestSamples", kBlobRun + Words{"--data.test-samples", "0"}, "data.test-samples = 0"},
      {"UnknownOptimizer", kBlobRun + Words{"--optimizer.name", "sdg"}, "optimizer.name = sdg"},
      {"UnknownSchedule", kBlobRun + Words{"--schedule.name", "linearly"}, "schedule.name = linearly"},
      {"WarmUpLongerThanRun", kBlobRun + Words{"--schedule.warmup-steps", "1000"},
       "schedule.warmup-steps = 1000: longer than the run of 40 steps"},
      {"KeyOfAnotherOptimizer", kBlobRun + Words{"--optimizer.beta1", "0.9"},
       "optimizer 'sgd' does not use it"},
      {"NesterovWithoutMomentum", kBlobRun + Words{"--optimizer.nesterov", "true"},
       "needs optimizer.momentum"},
      {"MoreRanksThanMicroBatches",
       kBlobRun + Words{"--train.micro-batches", "2"},
       "allows at most 2 ranks",
       {},
       {3, 8}},
      {"VerifyMoreRanksThanStarted",
       {"verify", "--ranks", "1,9", "--data.source", "blobs", "--model.layers", "linear 4"},
       "--ranks 9"},
      {"VerifyNoDigest",
       {"verify", "--digest", "abc", "--data.source", "blobs", "--model.layers", "linear 4"},
       "--digest abc"},
      {"VerifyNoSteps",
       {"verify", "--steps", "0", "--data.source", "blobs", "--model.layers", "linear 4"},
       "--steps 0"},
      {"MissingConfigFile", {"train", "--config", "none.cfg"}, "none.cfg"},
      {"ConfigFileIsAFolder", {"train", "--config", "."}, "--config ."},
      {"ConfigFileSyntax", {"train", "--config", "a.cfg"}, "a.cfg", file("a.cfg", "[train]\nbatch-size 3\n")},
      {"ConfigFileUnknownKey",
       {"train", "--config", "a.cfg"},
       "did you mean 'train.epochs'?",
       file("a.cfg", "[train]\nepoch = 3\n")},
      {"ConfigFileTwice",
       {"train", "--config", "a.cfg"},
       "twice",
       file("a.cfg", "[train]\nseed = 3\nseed = 4\n")},
      {"ConfigFileBadValue",
       {"train", "--config", "a.cfg"},
       "train.epochs = many (in a.cfg)",
       file("a.cfg", "[train]\nepochs = many\n")},
      {"GradcheckBadCount", {"gradcheck", "--samples", "none"}, "--samples none"},
  };
}

std::vector<BadInput> bad_idx_files() {
  const Words words = train_on("set");
  const auto with_images = [](const std::string& images) { return idx_folder(images, kValidLabels); };
  return {
      {"EmptyFolder", words, "no training images",
       [](const TemporaryFolder& folder) { std::filesystem::create_directory(folder.path() / "set"); }},
      {"EmptyFile", words, "truncated", with_images("")},
      {"TruncatedHeader", words, "truncated", with_images(kValidImages.substr(0, 9))},
      {"TruncatedImages", words, "counts disagree", with_images(kValidImages.substr(0, 20)), {0, 3, 8}},
      {"TruncatedLabels", words, "counts disagree", idx_folder(kValidImages, kValidLabels.substr(0, 10))},
      {"TrailingBytes", words, "counts disagree", with_images(kValidImages + "more")},
      {"WrongMagic", words, "wrong magic number", with_images("PNG!" + kValidImages)},
      {"LabelsForImages", words, "wrong magic number", with_images(kValidLabels + std::string(16, 'x'))},
      {"Floats", words, "element type 0x0d",
       with_images(std::string("\0\0\x0d\3", 4) + kValidImages.substr(4))},
      {"CountsDisagree", words, "4 images, but 3 labels",
       idx_folder(kValidImages, idx_header({3}) + "\1\1\1")},
      {"CorruptGzip", words, "corrupt",
       idx_folder(std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10) + std::string(40, '\xff'), kValidLabels,
                  ".gz")},
      {"TruncatedGzip", words, "truncated",
       idx_folder(std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10), kValidLabels, ".gz")},
      {"HeaderOfTwoToTheForty", words, "counts disagree",
       with_images(idx_header({1U << 20U, 1U << 10U, 1U << 10U}) + "few")},
      {"HeaderThatOverflows", words, "counts disagree",
       with_images(idx_header({0xFFFFFFFFU, 0xFFFFFFFFU, 0xFFFFFFFFU}) + "few")},
      {"NoImages", words, "empty", idx_folder(idx_header({0, 2, 2}), idx_header({0}))},
      {"LabelOutOfRange", words, "out of range",
       [](const TemporaryFolder& folder) {
         idx_folder(kValidImages, kValidLabels)(folder);
         folder.write("set/t10k-images-idx3-ubyte", kValidImages);
         folder.write("set/t10k-labels-idx1-ubyte", idx_header({4}) + "\1\1\1\7");
       }},
  };
}

std::vector<BadInput> bad_cifar_files() {
  const Words words = train_on("set");
  const std::string pixels(3072, '\x33');
  const std::string ten = "\x09" + pixels;
  const std::string hundred = "\x13\x63" + pixels;
  const auto folder_of = [](const std::vector<std::pair<std::string, std::string>>& files) {
    return [=](const TemporaryFolder& folder) {
      std::filesystem::create_directory(folder.path() / "set");
      for (const auto& [name, content] : files) folder.write("set/" + name, content);
    };
  };
  return {
      {"BatchLeftOut",
       words,
       "data_batch_2.bin is missing",
       folder_of({{"data_batch_1.bin", ten}, {"data_batch_3.bin", ten}}),
       {0, 3, 8}},
      {"OnlyATestPart", words, "no training pictures", folder_of({{"test_batch.bin", ten}})},
      {"EmptyFile", words, "data_batch_1.bin: 0 bytes", folder_of({{"data_batch_1.bin", ""}})},
      {"PartOfARecord", words, "train.bin: 6147 bytes",
       folder_of({{"train.bin", hundred + hundred.substr(1)}})},
      {"LabelOutOfRange", words, "label 10 of sample 1 is out of range",
       folder_of({{"data_batch_1.bin", ten + "\x0a" + pixels}})},
      {"TruncatedGzip", words, "truncated",
       folder_of({{"train.bin.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10)}})},
      {"BothSets", words, "both CIFAR-10 and CIFAR-100",
       folder_of({{"data_batch_1.bin", ten}, {"train.bin", hundred}})},
      {"BesideIdx", words, "IDX files and those of CIFAR",
       folder_of({{"train.bin", hundred}, {"train-images-idx3-ubyte", kValidImages}})},
      {"TooFewNames", words, "batches.meta.txt: 1 names",
       folder_of({{"data_batch_1.bin", ten}, {"batches.meta.txt", "airplane\n"}})},
      {"Prefix", words + Words{"--data.prefix", "emnist-"}, "data.prefix",
       folder_of({{"train.bin", hundred}})},
  };
}

std::vector<BadInput> bad_pictures_and_arrays() {
  const Words words = train_on("set");
  const auto set_of = [](const std::string& name, const std::string& content) {
    return [=](const TemporaryFolder& folder) {
      std::filesystem::create_directories((folder.path() / "set" / name).parent_path());
      folder.write("set/" + name, content);
    };
  };
  const Words resized = words + Words{"--data.resize", "8", "--data.colour", "grey"};
  return {
      {"NoPicture", words, "set/a/1.png: begins with 0x74657874", set_of("a/1.png", "text")},
      // Found only when it is decoded, by one of the ranks.
      {"TruncatedPicture", resized, "set/a/1.png: cannot be decoded", set_of("a/1.png", "\x89PNG\r\n\x1a\n")},
      {"FoldersWithoutPictures", words, "a sub-folder of pictures for each class", set_of("a/notes.txt", "")},
      {"ResizedArrays", resized, "data.resize: has an effect only for folders of pictures",
       set_of("x_train.npy", "")},
      {"EmptyArray", words, "x_train.npy: truncated", set_of("x_train.npy", "")},
      {"NoArray", words, "x_train.npy: begins with 0x74657874", set_of("x_train.npy", "text and so on")},
      {"NoArchive", train_on("set.npz"), "set.npz: cannot be read (Not a zip archive)",
       file("set.npz", "text")},
      {"NoHdf5File", train_on("set.h5"), "set.h5: cannot be read (file signature not found)",
       file("set.h5", "text")},
  };
}

std::vector<BadInput> bad_csv_files() {
  const Words words = train_on("a.csv");
  return {
      {"Missing", words, "a.csv"},
      {"Empty", words, "no rows", file("a.csv", "")},
      {"OnlyAHeader", words, "no rows", file("a.csv", "x,y,label\n")},
      {"Text",
       words,
       "a.csv:3: column 2 ('y'): expected a number, found 'high'",
       file("a.csv", "x,y,label\n1,2,0\n1,high,1\n"),
       {0, 3, 8}},
      {"Ragged", words, "a.csv:2: 2 fields, expected 3", file("a.csv", "1,2,0\n1,1\n")},
      {"Infinite", words, "expected a finite number", file("a.csv", "1,2,0\n1,inf,1\n")},
      {"GapInTheLabel", words, "found nothing", file("a.csv", "1,2,0\n1,2,\n")},
      {"Spaces", words, "separated by commas", file("a.csv", "1 2 0\n1 2 1\n")},
      {"DecimalCommasAndPoints", words, "a decimal comma in line 2 ('1,5'), and a decimal point in line 3",
       file("a.csv", "x;y;label\n1,5;2,5;0\n1;2.5;1\n")},
      {"UnknownColumnToIgnore", words + Words{"--data.ignore", "z"}, "data.ignore = z: no column 'z' in",
       file("a.csv", "x,y,label\n1,2,0\n1,3,1\n")},
      {"SeveralColumns", words, "problems in 2 columns; (1)",
       file("a.csv", "x,y,label\n1,2,0\n1,high,1\nlow,3,1\n")},
      {"NewCategoryInTest", words + Words{"--data.test", "b.csv"},
       "b.csv:2: column 2 ('y'): 'c' is none of the 2 categories of the training data; correct it, or set "
       "data.unseen = ignore",
       [](const TemporaryFolder& folder) {
         folder.write("a.csv", "x,y,label\n1,a,0\n1,b,1\n");
         folder.write("b.csv", "x,y,label\n1,c,0\n");
       }},
      {"NameTwice", words, "column 'label' occurs twice (1 and 3)",
       file("a.csv", "label,x,label\n1,2,0\n0,3,1\n")},
      {"NamesThatCountUp", words, "set data.header = yes", file("a.csv", "0,1,kind\n1,2,0\n0,3,1\n")},
      {"TestOfOtherNames", words + Words{"--data.test", "b.csv"},
       "b.csv: no column 'y', which the training data have",
       [](const TemporaryFolder& folder) {
         folder.write("a.csv", "x,y,label\n1,2,0\n1,3,1\n");
         folder.write("b.csv", "x,z,label\n1,2,0\n1,3,1\n");
       }},
      {"BrokenQuotes", words, "broken quotes", file("a.csv", "1,\"2,0\n1,2,1\n")},
      {"Binary", words, "binary data", file("a.csv", std::string("\0\1\2\3", 4))},
      {"UnknownLabelColumn", words + Words{"--data.label", "lable"}, "data.label = lable",
       file("a.csv", "x,y,label\n1,2,0\n1,3,1\n")},
      {"SeveralLabelsOfAClassification", words + Words{"--data.label", "x,label"},
       "data.label = x,label: several columns, but a classification has one label; set data.task = ",
       file("a.csv", "x,y,label\n1,2,0\n1,3,1\n")},
      {"LabelColumnTwice", words + Words{"--data.label", "x,0", "--data.task", "regression"}, "twice",
       file("a.csv", "x,y,label\n1,2,0\n1,3,1\n")},
      {"NoFeatures", words + Words{"--data.label", "0,1,2", "--data.task", "regression"}, "all 3 columns",
       file("a.csv", "x,y,label\n1,2,0\n1,3,1\n")},
      {"LabelThatIsNoBit",
       words + Words{"--data.label", "x,y", "--data.task", "multi-label"},
       "a.csv:2: column 2 ('y'): expected 0 or 1, found '2'",
       file("a.csv", "x,y,label\n1,2,0\n1,3,1\n"),
       {0, 3, 8}},
      {"OutputsForAnotherNumberOfTargets",
       words + Words{"--data.label", "label", "--data.task", "multi-label"}, "has 1 target; end the network",
       file("a.csv", "x,y,label\n1,2,0\n1,3,1\n")},
      {"UnknownLabelInTest", words + Words{"--data.test", "b.csv"}, "b.csv:1",
       [](const TemporaryFolder& folder) {
         folder.write("a.csv", "1,2,0\n1,3,1\n");
         folder.write("b.csv", "1,2,5\n");
       }},
      {"TestOfOtherWidth", words + Words{"--data.test", "b.csv"}, "expected the same",
       [](const TemporaryFolder& folder) {
         folder.write("a.csv", "1,2,0\n1,3,1\n");
         folder.write("b.csv", "1,2,3,1\n");
       }},
  };
}

std::vector<BadInput> bad_weights_and_folders() {
  const Prepare trained = [](const TemporaryFolder& folder) {
    run_lockstep(0, small_training("good"), folder);
  };
  const Words init = {"--model.init", "good/weights.safetensors"};
  const auto alone = [](BadInput bad) {
    bad.ranks = {0};
    return bad;
  };
  const Words evaluate = {"evaluate", "--weights", "good/weights.safetensors", "--data.source"};
  const Prepare table = [](const TemporaryFolder& folder) {
    folder.write("t.csv", "a,b,y\n1,2,0\n3,4,1\n");
    run_lockstep(0,
                 {"train", "--run.dir", "table", "--data.source", "t.csv", "--model.layers", "linear 2",
                  "--train.batch-size", "2", "--train.steps", "1"},
                 folder);
  };
  const Words predict = {"predict", "--weights", "table", "--data.source"};
  return {
      {"InitOfAnotherNetwork", kBlobRun + init, "another network", trained, {0, 3, 8}},
      {"InitMissing", kBlobRun + Words{"--model.init", "none.safetensors"}, "none.safetensors"},
      {"InitDamaged", kBlobRun + Words{"--model.init", "w"}, "w: not a safetensors file",
       file("w", "damaged weights")},
      {"InitTruncated", kBlobRun + Words{"--model.init", "w"}, "w: not a safetensors file",
       file("w", std::string("\x40\0\0\0\0\0\0\0{\"0.weight\":", 20))},
      {"EvaluateOtherFeatures", evaluate + Words{"blobs", "--data.features", "7"}, "features", trained},
      {"EvaluateOtherClasses", evaluate + Words{"blobs", "--data.classes", "9"}, "classes", trained},
      {"EvaluateOtherTask", evaluate + Words{"linear"}, "linear", trained},
      {"EvaluateOtherTaskOfLabels", evaluate + Words{"tags"}, "tags", trained},
      {"EvaluateMissing", {"evaluate", "--weights", "none", "--data.source", "blobs"}, "none"},
      {"EvaluateNothing", {"evaluate", "--data.source", "blobs"}, "--weights is missing"},
      {"EvaluateDamaged",
       {"evaluate", "--weights", "w", "--data.source", "blobs"},
       "w: not a safetensors file",
       file("w", std::string(100, '\xff'))},
      alone({"EvaluateAnotherLoss", evaluate + Words{"blobs", "--model.loss", "mse"},
             "model.loss = mse (on the command line): good/weights.safetensors was trained with "
             "'cross-entropy'",
             trained}),
      alone({"EvaluateAnotherNetwork", evaluate + Words{"blobs", "--model.layers", "linear 4"},
             "model.layers = linear 4 (on the command line)", trained}),
      alone({"EvaluateAnotherNormalization", evaluate + Words{"blobs", "--data.normalize", "none"},
             "good/weights.safetensors was trained with 'standard'", trained}),
      alone({"EvaluateAnotherNetworkOfAFile", evaluate + Words{"blobs", "--config", "a.cfg"},
             "model.layers = linear 4 (in a.cfg)",
             [trained](const TemporaryFolder& folder) {
               trained(folder);
               folder.write("a.cfg", "[model]\nlayers = linear 4\n");
             }}),
      alone({"EvaluateAParameterOfAnotherLoss", evaluate + Words{"blobs", "--model.huber-delta", "2"},
             "the loss 'cross-entropy' does not use it", trained}),
      alone({"EvaluateAPartThatIsHeldOut", evaluate + Words{"blobs", "--data.validation", "0.5"},
             "data.validation (on the command line): has no effect on 'evaluate'", trained}),
      alone({"EvaluateWithAnOptimizer", evaluate + Words{"blobs", "--optimizer.name", "adam"},
             "optimizer.name (on the command line): has no effect on 'evaluate'", trained}),
      alone({"EvaluateAFolderWithoutWeights",
             {"evaluate", "--weights", ".", "--data.source", "blobs"},
             ".: it is a folder without weights.safetensors"}),
      {"PredictMissingColumn", predict + Words{"a.csv"},
       "a.csv: no column 'b', which the training data have (column 2 is 'c', which they do not have)",
       [table](const TemporaryFolder& folder) {
         table(folder);
         folder.write("a.csv", "a,c\n1,2\n");
       }},
      {"PredictShortRow", predict + Words{"a.csv", "--output", "out.csv"}, "a.csv:3: 1 fields, expected 2",
       [table](const TemporaryFolder& folder) {
         table(folder);
         folder.write("a.csv", "b,a\n1,2\n3\n");
       }},
      {"PredictNothingOnStandardInput", predict + Words{"-"}, "standard input: no rows of data", table},
      {"PredictNothing", {"predict", "--data.source", "a.csv"}, "--weights is missing"},
      {"PredictBelowAFile", predict + Words{"t.csv", "--output", "t.csv/out.csv"},
       "t.csv/out.csv: cannot be written", table},
      {"PredictIntoADevice", predict + Words{"t.csv", "--output", "/dev/null"},
       "/dev/null: cannot be written (it is a device or a pipe)", table},
      alone({"PredictATestFile", predict + Words{"t.csv", "--data.test", "t.csv"},
             "data.test (on the command line): has no effect on 'predict'", table}),
      alone({"PredictAnotherNetwork", predict + Words{"t.csv", "--model.layers", "linear 4"},
             "model.layers = linear 4 (on the command line)", table}),
      {"ExportNothing", {"export", "--output", "a.onnx"}, "--weights is missing"},
      {"ExportNowhere", {"export", "--weights", "table"}, "--output is missing", table},
      {"ExportBelowAFile",
       {"export", "--weights", "table", "--output", "t.csv/a.onnx"},
       "t.csv/a.onnx: cannot be written",
       table},
      {"ExportUndescribed",
       {"export", "--weights", "w", "--output", "a.onnx"},
       "w: does not say which network and data it belongs to, as files of 'train' do; train with "
       "--model.init "
       "w and export with the weights of that run",
       file("w", std::string("\x02\0\0\0\0\0\0\0{}", 10))},
      alone({"ExportWithSettings",
             {"export", "--weights", "table", "--output", "a.onnx", "--data.source", "t.csv"},
             "'export' takes no settings",
             table}),
      alone({"InspectWithSettings",
             {"inspect", "w", "--train.seed", "3"},
             "train.seed (on the command line): has no effect on 'inspect'"}),
      alone(
          {"InspectAFileWithANetwork", {"inspect", "w", "--model.layers", "linear 4"}, "expected one file"}),
      alone({"InspectANetworkThatDoesNotFit",
             {"inspect", "--data.source", "blobs", "--model.layers", "conv 4 3, linear 4"},
             "0 (conv 4 3), whose input is 20: expected a picture"}),
      {"InspectNothing", {"inspect"}, "expected one file"},
      {"InspectMissing", {"inspect", "none"}, "none"},
      {"InspectAFolder", {"inspect", "."}, "it is a folder"},
      {"ReportNothing", {"report"}, "expected a run directory"},
      {"ReportMissing", {"report", "none"}, "none: not a run directory"},
      {"ReportAFolder", {"report", "."}, ".: not a run directory"},
      {"ReportTwice", {"report", "good", "good/"}, "the same run as good", trained},
      {"ReportDamaged",
       {"report", "good"},
       "good/metrics.jsonl:1: damaged",
       [trained](const TemporaryFolder& folder) {
         trained(folder);
         folder.write("good/metrics.jsonl", "{\n");
       }},
      {"ReportBelowAFile",
       {"report", "good", "--out", "good/train.log/page.html"},
       "good/train.log/page.html: cannot be written",
       trained},
      {"ReportIntoAFolder", {"report", "good", "--out", "good"}, "good: cannot be written", trained},
      {"ReportUnknownOption", {"report", "good", "--output", "page.html"}, "did you mean '--out'?", trained},
      {"RunBelowAFile",
       kBlobRun + Words{"--run.dir", "file/run"},
       "run.dir = file/run: cannot be written",
       file("file", "x"),
       {0, 3, 8}},
      {"RunIsAFile", kBlobRun + Words{"--run.dir", "file"}, "run.dir = file", file("file", "x")},
      {"RunThatHoldsARun", kBlobRun + Words{"--run.dir", "good"}, "holds a run already", trained},
  };
}

std::vector<BadInput> bad_studies() {
  // What every rank finds by itself.
  const auto alone = [](BadInput bad) {
    bad.ranks = {0};
    return bad;
  };
  const Words settings(kBlobRun.begin() + 1, kBlobRun.end());
  const auto study = [&](const std::string& name, const Words& more) {
    return Words{"study", name} + settings + more;
  };
  const Words surfaces = {"study", "surfaces", "--run.dir", "run"};
  return {
      alone({"NoStudy", {"study"}, "expected the name of one study, one of: optimizers"}),
      alone({"TwoStudies", {"study", "dropout", "surfaces"}, "expected the name of one study"}),
      {"UnknownStudy", {"study", "weightdecay"}, "did you mean 'weight-decay'?"},
      alone({"OptionOfNoStudy", study("dropout", {"--sedes", "2"}), "did you mean '--seeds'?"}),
      alone({"OptionOfAnotherStudy", study("dropout", {"--decay", "1"}),
             "--decay: study 'dropout' does not use it"}),
      alone({"StudyWithoutOptions", surfaces + Words{"--seeds", "2"}, "It takes: none"}),
      {"OneFold", study("cross-validation", {"--folds", "1"}),
       "--folds 1: expected a whole number of at least 2"},
      alone({"SeedsOfFolds", study("cross-validation", {"--seeds", "2"}),
             "--seeds: study 'cross-validation' does not use it"}),
      alone({"FoldOfAStudyOfAll", study("cross-validation", {"--data.fold", "2/3"}),
             "data.fold (on the command line): study 'cross-validation' does not use it, or sets it itself"}),
      alone({"ValidationBesideFolds", study("cross-validation", {"--data.validation", "0.1"}),
             "data.validation (on the command line): has no effect where a fold is held out"}),
      alone({"FoldsThatAreNotFilled", study("cross-validation", {"--folds", "65"}),
             "data.fold: 64 samples do not fill 65 folds"}),
      {"ZeroSeeds", study("optimizers", {"--seeds", "0"}),
       "--seeds 0: expected a whole number of at least 1"},
      alone({"FractionOfEvaluations", study("weight-decay", {"--evaluations", "1.5"}), "--evaluations 1.5"}),
      alone({"NoRates", study("optimizers", {"--rates", "none"}), "--rates none"}),
      {"TextDecay", study("weight-decay", {"--decay", "0,x"}), "--decay 0,x: expected numbers"},
      alone({"NegativeDecay", study("adam-decay", {"--decay", "-1"}),
             "--decay -1: expected numbers of at least 0"}),
      alone({"UnknownMethod", study("optimizers", {"--optimizers", "sgd,sdg"}),
             "--optimizers: 'sdg' is unknown"}),
      {"WeightDecayOfItsStudy", study("weight-decay", {"--optimizer.weight-decay", "5"}),
       "optimizer.weight-decay (on the command line): study 'weight-decay' does not use it, or sets it "
       "itself"},
      alone({"OptimizerOfTheStudyOfAll",
             {"study", "optimizers", "--config", "a.cfg"},
             "optimizer.name (in a.cfg): study 'optimizers'",
             file("a.cfg", "[optimizer]\nname = adam\n")}),
      alone({"DataOfSurfaces", surfaces + Words{"--data.source", "blobs"},
             "data.source (on the command line)"}),
      {"BatchRegimesOfFullBatches", study("batch-regimes", {"--train.batch-size", "full"}),
       "train.batch-size: study 'batch-regimes' compares it"},
      {"StudyOfDropoutWithout", study("dropout", {}), "model.layers = linear 4: has no dropout"},
      {"StudyOfMissingData",
       study("weight-decay", {"--data.source", "nowhere"}),
       "data.source = nowhere",
       {},
       {0, 3, 8}},
      {"StudyThatHoldsARun", study("weight-decay", {}), "run.dir = run: holds a run already",
       [](const TemporaryFolder& folder) { run_lockstep(0, small_training("run"), folder); }},
      {"StudyBelowAFile", surfaces + Words{"--run.dir", "file/run"}, "run.dir = file/run: cannot be written",
       file("file", "x")},
      {"AverageInAStudy", study("weight-decay", {"--optimizer.average", "0.9"}), "optimizer.average"},
      {"GapWithoutTestData",
       {"study", "weight-decay", "--run.dir", "run", "--data.source", "a.csv", "--model.layers", "linear 2",
        "--train.batch-size", "2"},
       "there is no test part; set data.validation",
       file("a.csv", "1,0\n2,1\n3,0\n4,1\n")},
      {"NewtonOnAMiniBatch", kBlobRun + Words{"--optimizer.name", "newton"}, "needs train.batch-size = full"},
      {"TestTargetsOfOtherNames",
       {"train", "--run.dir", "run", "--data.source", "a.csv", "--data.test", "b.csv", "--data.label", "1,2",
        "--data.task", "regression", "--model.layers", "linear 2", "--train.batch-size", "2"},
       "expected the same in the same order",
       [](const TemporaryFolder& folder) {
         folder.write("a.csv", "x,p,q\n1,2,3\n4,5,6\n");
         folder.write("b.csv", "x,p,r\n1,2,3\n4,5,6\n");
       }},
      {"ScheduleOfMissingData", {"schedule", "--data.source", "nowhere"}, "data.source = nowhere"},
      {"ScheduleInAMissingFolder",
       {"schedule", "--train.steps", "5", "--out", "none/page.html"},
       "none/page.html: cannot be written"},
      alone(
          {"ScheduleIntoAFolder", {"schedule", "--train.steps", "5", "--out", "."}, ".: cannot be written"}),
      alone({"ScheduleShorterThanItsWarmUp",
             {"schedule", "--train.steps", "5", "--schedule.warmup-steps", "6"},
             "warmup-steps"}),
  };
}

}  // namespace lockstep::test
