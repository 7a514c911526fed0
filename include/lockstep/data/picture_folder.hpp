#pragma once

#include <filesystem>
#include <optional>

#include "lockstep/data/dataset.hpp"

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
/// not have; headers that can't be read.
DatasetContent find_pictures(const std::filesystem::path& folder, Part part, const PictureOptions& options,
                             const std::optional<DatasetDescription>& training);

/// Whether `folder` holds folders of classes for `part`; whether there are pictures in sub-folders of it.
bool has_picture_part(const std::filesystem::path& folder, Part part);
bool has_class_folders(const std::filesystem::path& folder);

}  // namespace lockstep
