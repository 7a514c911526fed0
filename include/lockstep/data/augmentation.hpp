#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lockstep/core/index.hpp"
#include "lockstep/data/dataset.hpp"

namespace lockstep {

// Changes of a picture at random. All but Cutout and Mixup change its values as the data set stores them,
// before they are normalised; bytes stay whole numbers from 0 to 255.

/// `pad` pixels are added on each side, and the picture's size is cut out at a place that is uniform over the
/// (2 pad + 1)² that there are. New pixels are zero (torchvision.transforms.RandomCrop with padding), or,
/// with `edge`, repeat the nearest one of the picture.
struct Crop {
  Index pad = 4;
  bool edge = false;
};

/// Mirrored, left to right, with probability 1/2.
struct Flip {};

/// All values v become f v, with f uniform from 1 - most to 1 + most. Bytes lose what is beyond 0, 255 and
/// the decimal point (torchvision.transforms.ColorJitter).
struct Brightness {
  double most = 0.2;  ///< 0.001 to 1
};

/// All values v become f v + (1 - f) m, with m the mean of the picture's values, and f as for Brightness.
struct Contrast {
  double most = 0.2;  ///< 0.001 to 1
};

/// In what the network sees, a square of size x size pixels becomes 0, the mean where features are normalised
/// to that. Its centre is uniform over the picture, so that it may reach over the edge. Stands after changes
/// of what is stored. Source: DeVries, Taylor: Improved regularization of convolutional neural networks with
/// Cutout. arXiv 1708.04552.
struct Cutout {
  Index size = 8;
};

/// What the network sees of a sample becomes λ times that and 1 - λ times what it sees of another sample of
/// the same global batch, and so does the loss: λ times the one by its own label, 1 - λ times the one by the
/// other's. λ is drawn for each sample from the distribution Beta(alpha, alpha). Stands last. Only for
/// classes. Source: Zhang, Cisse, Dauphin, Lopez-Paz: mixup: Beyond empirical risk minimization. arXiv
/// 1710.09412.
struct Mixup {
  double alpha = 0.2;  ///< 0.001 to 1
};

using PictureChange = std::variant<Crop, Flip, Brightness, Contrast, Cutout, Mixup>;

/// What happens to every picture that is trained on, in this order.
using Augmentation = std::vector<PictureChange>;

/// "crop 4, flip, cutout 8", and back. Errors: an unknown word (the nearest known one is named), a value that
/// is missing or does not fit, an order that is not possible.
Augmentation augmentation_from_text(std::string_view text);
std::string to_text(const Augmentation& augmentation);

/// Errors: changes that augmentation_from_text would refuse; data that are no pictures, or too small ones, or
/// have no classes to be mixed.
void check_augmentation(const Augmentation& augmentation, const DatasetDescription& data);

/// A pass over data whose pictures are changed. What becomes of a sample is a pure function of seed, epoch
/// and the sample's number in the data set; which other sample of the global batch it is mixed with depends
/// on that batch too.
struct AugmentedPass {
  std::span<const PictureChange> changes = {};  ///< as check_augmentation lets them through for the data
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
};

}  // namespace lockstep
