#include "data/source_form.hpp"

#include <system_error>
#include <tuple>
#include <vector>

#include <fmt/ranges.h>

#include "core/suggestion.hpp"
#include "core/text.hpp"
#include "data/folder.hpp"
#include "lockstep/core/error.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFashionMnist = "fashion-mnist";
constexpr const char* kFashionMnistFolder = "/usr/share/datasets/fashion-mnist";

[[noreturn]] void fail_unknown(const std::string& source) {
  std::vector<std::string> names = synthetic_names();
  names.insert(names.begin(), kFashionMnist);
  fail_input(
      "`source` = {}: no such data set, folder or file; expected {}, a folder of IDX, CIFAR or NPY files or "
      "of pictures, FILE.csv, FILE.npz or FILE.h5{}",
      source, join(names), suggestion(source, names));
}

Form form_of_folder(const fs::path& folder) {
  std::vector<Form> forms;
  std::vector<std::string> names;
  for (const auto& [has_files, form, name] : {std::tuple(&has_idx_files, Form::kIdx, "IDX files"),
                                              {&has_cifar_files, Form::kCifar, "those of CIFAR"},
                                              {&has_npy_files, Form::kArrays, "NPY files"}}) {
    if (!has_files(folder)) continue;
    forms.push_back(form);
    names.emplace_back(name);
  }
  if (forms.size() > 1) {
    fail_input("{}: holds {}; expected one data set; move the other away", folder.string(),
               fmt::join(names, " and "));
  }
  if (!forms.empty()) return forms.front();
  return has_class_folders(folder) || has_pictures(folder) ? Form::kPictures : Form::kIdx;
}

}  // namespace

bool is_path(const std::string& source) { return source != kFashionMnist && !is_synthetic(source); }

Form form_of(const std::string& source) {
  std::error_code error;
  if (source == kFashionMnist) return Form::kIdx;
  if (is_synthetic(source)) return Form::kSynthetic;
  if (fs::is_directory(source, error)) return form_of_folder(source);
  if (is_array_file(source)) return Form::kArrays;
  if (is_picture_file(source)) return Form::kPictures;
  if (ending_of(source) == ".csv" || fs::exists(source, error)) return Form::kCsv;
  fail_unknown(source);
}

fs::path folder_of(const std::string& source) {
  if (source != kFashionMnist) return source;
  std::error_code error;
  if (!fs::is_directory(kFashionMnistFolder, error)) {
    fail_input(
        "`source` = {}: {} is missing; install the package dataset-fashion-mnist, "
        "or give the folder of its IDX files",
        kFashionMnist, kFashionMnistFolder);
  }
  return kFashionMnistFolder;
}

void check_keys(const DataSource& source, Form form) {
  static const DataSource usual;
  const SyntheticOptions& synthetic = source.synthetic;
  const auto refuse_beside = [&](Form right, const std::string& forms, const std::string& key,
                                 bool is_given) {
    if (form == right || !is_given) return;
    fail_input("`{}`: has an effect only for {}, but `source` = {}; remove `{}`", key, forms, source.source,
               key);
  };
  const std::string csv = "CSV files";
  refuse_beside(Form::kCsv, csv, "test", !source.test.empty());
  const CsvOptions& table = source.csv;
  refuse_beside(Form::kCsv, csv, "label", table.label != usual.csv.label);
  refuse_beside(Form::kCsv, csv, "group", !table.group.empty());
  refuse_beside(Form::kCsv, csv, "weight", !table.weight.empty());
  refuse_beside(Form::kCsv, csv, "header", table.header != usual.csv.header);
  refuse_beside(Form::kCsv, csv, "separator", table.separator.has_value());
  refuse_beside(Form::kCsv, csv, "columns", !table.columns.empty());
  refuse_beside(Form::kCsv, csv, "ignore", !table.ignore.empty());
  refuse_beside(Form::kCsv, csv, "categories", !table.categories.empty());
  refuse_beside(Form::kCsv, csv, "max-categories", table.max_categories != usual.csv.max_categories);
  refuse_beside(Form::kCsv, csv, "missing", !table.missing.empty());
  refuse_beside(Form::kCsv, csv, "unseen", table.unseen != usual.csv.unseen);
  const std::string idx = "folders of IDX files";
  refuse_beside(Form::kIdx, idx, "prefix", !source.prefix.empty());
  refuse_beside(Form::kIdx, idx, "transpose", source.transpose);
  const PictureOptions& pictures = source.pictures;
  const std::string folders = "folders of pictures";
  refuse_beside(Form::kPictures, folders, "resize", pictures.height > 0);
  refuse_beside(Form::kPictures, folders, "colour", pictures.colour != usual.pictures.colour);
  const std::string sets = "synthetic sets";
  refuse_beside(Form::kSynthetic, sets, "samples", synthetic.samples != usual.synthetic.samples);
  refuse_beside(Form::kSynthetic, sets, "test-samples",
                synthetic.test_samples != usual.synthetic.test_samples);
  refuse_beside(Form::kSynthetic, sets, "features", synthetic.features != usual.synthetic.features);
  refuse_beside(Form::kSynthetic, sets, "classes", synthetic.classes != usual.synthetic.classes);
}

}  // namespace lockstep
