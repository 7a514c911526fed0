#pragma once

#include <filesystem>
#include <optional>

#include "lockstep/data/dataset.hpp"
#include "lockstep/data/scratch.hpp"

namespace lockstep {

/// Auto is colour if the header of any picture says colour, as those with palettes do.
enum class Colour { kAuto, kGrey, kColour };

/// What becomes of the pictures of a folder.
struct PictureOptions {
  Index height = 0;  ///< to which they are resized, with `width`; 0: they have to be of one size
  Index width = 0;
  Colour colour = Colour::kAuto;
};

/// Finds the PNG and JPEG pictures of `part` in a folder whose sub-folders are the classes, in the order of
/// their names; those of a class are all below its folder. The folders `train` and `test` are parts instead,
/// where they hold such sub-folders; else everything is the training part. The pictures stay in their files
/// (DatasetContent::picture_files), of which headers are read where the options leave size or colour open.
/// What is hidden, or has no ending of a picture, is left alone, and a warning counts it.
/// `training` describes the training part, for a test part or an evaluation: its classes and channels count.
/// Errors: no pictures, also in one class; pictures of different sizes; a class that the training part does
/// not have; headers that can't be read; a scratch folder without room for what they are decoded to.
DatasetContent find_pictures(const std::filesystem::path& folder, Part part, const PictureOptions& options,
                             const std::optional<DatasetDescription>& training, const Scratch& scratch = {});

/// Finds the pictures anywhere below a folder, in the order of their paths, or the one picture that `path`
/// is, for a model that was trained on data of that description. What they show is not known:
/// description.targets is 0, and their paths in the folder are description.sample_names. Errors: as above.
DatasetContent find_unlabelled_pictures(const std::filesystem::path& path, const PictureOptions& options,
                                        const DatasetDescription& training, const Scratch& scratch = {});

/// Whether `part` of `folder` has a folder of one of the classes that the training data had.
bool has_class_of(const std::filesystem::path& folder, Part part, const DatasetDescription& training);

/// Whether the name of `file` ends as that of a picture; whether there are pictures in or below `folder`.
bool is_picture_file(const std::filesystem::path& file);
bool has_pictures(const std::filesystem::path& folder);

/// Whether `folder` holds folders of classes for `part`; whether there are pictures in sub-folders of it.
bool has_picture_part(const std::filesystem::path& folder, Part part);
bool has_class_folders(const std::filesystem::path& folder);

}  // namespace lockstep
