#pragma once

#include <filesystem>

#include "lockstep/data/dataset.hpp"
#include "lockstep/data/scratch.hpp"

namespace lockstep {

/// Reads the pictures and labels of `part` from a folder of CIFAR-10's or CIFAR-100's binary files as they
/// are published: "data_batch_1.bin", "data_batch_2.bin" … and "test_batch.bin", or "train.bin" and
/// "test.bin", each plain or gzip (".gz"), of any number of records. Samples are 3 x 32 x 32 bytes, see
/// DatasetDescription. Classes are the 10 of CIFAR-10, or the 100 fine ones of CIFAR-100; they have names
/// where "batches.meta.txt", or "fine_label_names.txt", is in the folder. Errors: files of both sets, a
/// missing, truncated, corrupt or empty file, a batch that is left out, labels out of range, another number
/// of names. Format: Krizhevsky: The CIFAR-10 and CIFAR-100 datasets, section "Binary version".
DatasetContent read_cifar(const std::filesystem::path& folder, Part part, const Scratch& scratch = {});

/// Whether `folder` holds pictures of `part`; whether it holds those of any part.
bool has_cifar_part(const std::filesystem::path& folder, Part part);
bool has_cifar_files(const std::filesystem::path& folder);

}  // namespace lockstep
