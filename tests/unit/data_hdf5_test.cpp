// HDF5 files that the library writes: every layout, order of bytes and type that is read, and what is
// refused.

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <hdf5.h>
#include <iterator>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data/hdf5_file.hpp"
#include "data_helpers.hpp"
#include "lockstep/data/source.hpp"
#include "npy_files.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using testing::ElementsAre;

hid_t checked(hid_t id) {
  if (id < 0) throw std::runtime_error("the library fails");
  return id;
}

class Hdf5 : public testing::Test {
 protected:
  void SetUp() override {
    file_ = checked(H5Fcreate(path().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    list_ = checked(H5Pcreate(H5P_DATASET_CREATE));
  }
  void TearDown() override {
    H5Pclose(list_);
    if (file_ >= 0) close();
  }

  std::filesystem::path path() const { return folder_.path() / "set.h5"; }

  void close() {
    H5Fclose(file_);
    file_ = -1;
  }

  /// Writes `values`, of type `memory`, as an array of type `stored`.
  template <typename Value>
  void write(const std::string& name, const std::vector<hsize_t>& sizes, const std::vector<Value>& values,
             hid_t memory, hid_t stored, hid_t list = H5P_DEFAULT) {
    const hid_t space = checked(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr));
    const hid_t data =
        checked(H5Dcreate2(file_, name.c_str(), stored, space, H5P_DEFAULT, list, H5P_DEFAULT));
    if (!values.empty()) checked(H5Dwrite(data, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
    H5Dclose(data);
    H5Sclose(space);
  }
  void write_floats(const std::string& name, const std::vector<hsize_t>& sizes,
                    const std::vector<float>& values, hid_t list = H5P_DEFAULT) {
    write(name, sizes, values, H5T_NATIVE_FLOAT, H5T_IEEE_F32LE, list);
  }
  void write_labels(const std::string& name, const std::vector<int>& labels, hid_t stored = H5T_STD_I64LE) {
    write(name, {labels.size()}, labels, H5T_NATIVE_INT, stored);
  }

  DataSource source() {
    if (file_ >= 0) close();
    DataSource source;
    source.source = path().string();
    return source;
  }
  SourceParts read() { return read_source(source()); }

  testing::AssertionResult fails(const std::vector<std::string>& fragments) {
    return is_bad_input([&] { read(); }, fragments);
  }

  test::TemporaryFolder folder_;
  hid_t file_ = -1;
  hid_t list_ = -1;
};

TEST_F(Hdf5, HoldsThePartsOfASet) {
  write_floats("x_train", {2, 2}, {1, 2, 3, 4});
  write_labels("y_train", {2, 0});
  write_floats("x_test", {1, 2}, {7, 8});
  write_labels("y_test", {1});
  const SourceParts parts = read();
  EXPECT_EQ(parts.training.description.name, path().string());
  EXPECT_THAT(parts.training.values, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(parts.training.labels, ElementsAre(2, 0));
  ASSERT_TRUE(parts.test.has_value());
  EXPECT_THAT(parts.test->values, ElementsAre(7, 8));
  EXPECT_EQ(parts.test->description.classes, 3);
}

TEST_F(Hdf5, TypesMayHaveEitherOrderOfBytes) {
  write<double>("x", {2, 1}, {1.5, -2}, H5T_NATIVE_DOUBLE, H5T_IEEE_F64BE);
  write_labels("y", {0, 300}, H5T_STD_I16BE);
  const SourceParts parts = read();
  EXPECT_THAT(parts.training.values, ElementsAre(1.5, -2));
  EXPECT_THAT(parts.training.labels, ElementsAre(0, 300));
}

TEST_F(Hdf5, PicturesStayBytes) {
  write<int>("x", {1, 2, 1, 5}, {0, 1, 2, 3, 4, 10, 11, 12, 13, 255}, H5T_NATIVE_INT, H5T_STD_U8LE);
  write_labels("y", {0}, H5T_STD_U8LE);
  const SourceParts parts = read();
  EXPECT_EQ(parts.training.description.storage, Storage::kBytes);
  EXPECT_THAT(parts.training.description.feature_shape, ElementsAre(2, 1, 5));
  EXPECT_THAT(parts.training.bytes, ElementsAre(0, 10, 1, 11, 2, 12, 3, 13, 4, 255));
}

// More samples than are read together, which is four millions of bytes, and chunks that do not divide them.
TEST_F(Hdf5, ChunksMayBeCompressed) {
  constexpr hsize_t kSamples = 2001;
  constexpr hsize_t kFeatures = 1000;
  std::vector<float> values(kSamples * kFeatures);
  std::iota(values.begin(), values.end(), 0.0F);
  const std::vector<hsize_t> chunk = {7, 300};
  H5Pset_chunk(list_, 2, chunk.data());
  H5Pset_shuffle(list_);
  H5Pset_deflate(list_, 1);
  H5Pset_fletcher32(list_);
  write_floats("x", {kSamples, kFeatures}, values, list_);
  write_labels("y", std::vector<int>(kSamples, 1));
  EXPECT_TRUE(read().training.values == values);
}

TEST_F(Hdf5, APredictionTakesXOrTheOnlyArray) {
  write_floats("of any name", {1, 2}, {7, 8});
  const DatasetDescription training{.storage = Storage::kFloats, .feature_shape = {2}, .classes = 3};
  const DatasetContent content = read_for_prediction(source(), training);
  EXPECT_THAT(content.values, ElementsAre(7, 8));
  EXPECT_EQ(content.description.targets, 0);
}

TEST_F(Hdf5, NamesWhatIsMissing) {
  write_floats("x_train", {1, 1}, {3});
  write_floats("labels", {1}, {3});
  EXPECT_TRUE(fails({"set.h5: no array y_train", "it holds labels, x_train"}));
}

TEST_F(Hdf5, RefusesOtherTypes) {
  write<int>("x", {1, 1}, {3}, H5T_NATIVE_INT, H5T_STD_U32LE);
  EXPECT_TRUE(fails({"set.h5/x", "type '=u4'", "u1, i1, i2, i4, i8, f4, f8"}));
}

TEST_F(Hdf5, RefusesText) {
  write<int>("x", {1, 1}, {}, H5T_NATIVE_INT, H5T_C_S1);
  EXPECT_TRUE(fails({"set.h5/x", "type 'text'"}));
}

TEST_F(Hdf5, RefusesNoSamples) {
  write_floats("x", {0, 3}, {});
  EXPECT_TRUE(fails({"set.h5/x: an array of (0, 3)", "one sample"}));
}

TEST_F(Hdf5, RefusesAGroup) {
  H5Gclose(checked(H5Gcreate2(file_, "x", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)));
  EXPECT_TRUE(fails({"set.h5/x: cannot be read (not a dataset)"}));
}

TEST_F(Hdf5, RefusesNumbersThatAreNotFinite) {
  write<double>("x", {2, 2}, {0, 0, 1e300, 0}, H5T_NATIVE_DOUBLE, H5T_IEEE_F64LE);
  write_labels("y", {0, 1});
  EXPECT_TRUE(fails({"set.h5/x: sample 1 has 1e+300 in column 0"}));
}

TEST_F(Hdf5, RefusesWhatStandsInOtherFiles) {
  H5Pset_external(list_, (folder_.path() / "values.bin").c_str(), 0, 4);
  folder_.write("values.bin", "1234");
  write_floats("x", {1, 1}, {}, list_);
  EXPECT_TRUE(fails({"set.h5/x: its values stand in other files", "h5repack"}));
}

TEST_F(Hdf5, RefusesLinksToOtherFiles) {
  checked(H5Lcreate_external("other.h5", "/x", file_, "x", H5P_DEFAULT, H5P_DEFAULT));
  EXPECT_TRUE(fails({"set.h5/x: a link to another file"}));
}

TEST_F(Hdf5, RefusesMoreThanAFileCanHold) {
  const std::vector<hsize_t> chunk = {1, 1};
  H5Pset_chunk(list_, 2, chunk.data());
  write_floats("x", {hsize_t{1} << 40U, 1}, {}, list_);
  EXPECT_TRUE(fails({"set.h5/x: 4398046511104 bytes in a file of", "expected what that can hold"}));
}

TEST_F(Hdf5, RefusesChunksLargerThanAFileCanHold) {
  const std::vector<hsize_t> chunk = {1U << 29U, 1};
  H5Pset_chunk(list_, 2, chunk.data());
  const std::vector<hsize_t> sizes = {1, 1};
  const std::vector<hsize_t> most = {H5S_UNLIMITED, 1};
  const hid_t space = checked(H5Screate_simple(2, sizes.data(), most.data()));
  H5Dclose(checked(H5Dcreate2(file_, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, list_, H5P_DEFAULT)));
  H5Sclose(space);
  EXPECT_TRUE(fails({"set.h5/x: 2147483648 bytes in a file of"}));
}

// The size of values in a compact layout is the number before them (HDF5 File Format Specification,
// IV.A.2.i).
TEST_F(Hdf5, RefusesLessThanTheSizesPromise) {
  H5Pset_layout(list_, H5D_COMPACT);
  write_floats("x", {2, 2}, {1, 2, 3, 4}, list_);
  write_labels("y", {0, 1});
  EXPECT_FALSE(fails({}));
  std::ifstream stream(path(), std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const std::size_t place = bytes.find(test::raw<float>({1, 2, 3, 4}));
  ASSERT_NE(place, std::string::npos);
  ASSERT_EQ(bytes.substr(place - 2, 2), std::string("\x10\0", 2));
  bytes[place - 2] = 8;
  folder_.write("set.h5", bytes);
  EXPECT_TRUE(fails({"set.h5/x: 16 bytes, but the file holds 8"}));
}

// The address of a heap for links (HDF5 File Format Specification, IV.A.2.c), of which there is none: the
// library (1.10.8) crashes.
TEST_F(Hdf5, RefusesWhatTheLibraryCrashesOver) {
  write_floats("x", {2, 2}, {1, 2, 3, 4});
  checked(H5Lcreate_external("other.h5", "/x", file_, "out", H5P_DEFAULT, H5P_DEFAULT));
  EXPECT_TRUE(fails({"no array y"}));
  std::ifstream stream(path(), std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const std::string message{"\x02\0\x18\0\0\0\0\0\0\0", 10};
  const std::size_t place = bytes.find(message + std::string(16, '\xff'));
  ASSERT_NE(place, std::string::npos);
  bytes[place + message.size() + 2] = 0;
  folder_.write("set.h5", bytes);
  EXPECT_TRUE(fails({"set.h5: "}));
}

TEST_F(Hdf5, RefusesWhatTheLibraryComesToNoEndOver) {
  constexpr hsize_t kMany = hsize_t{1} << 23U;
  H5Pset_chunk(list_, 1, &kMany);
  H5Pset_deflate(list_, 1);
  write_floats("x", {kMany}, std::vector<float>(kMany), list_);
  close();
  constexpr double kLessThanUnpackingTakes = 1e-3;
  const auto array = open_hdf5_file(path(), kLessThanUnpackingTakes)->open("x");
  EXPECT_TRUE(is_bad_input([&] { array->floats(); },
                           {"set.h5/x: the HDF5 library could not read it (it took", "h5dump"}));
  EXPECT_EQ(open_hdf5_file(path())->open("x")->floats().size(), kMany);
}

TEST_F(Hdf5, RefusesDamagedFiles) {
  folder_.write("text.h5", "text");
  DataSource other;
  other.source = (folder_.path() / "text.h5").string();
  EXPECT_TRUE(
      is_bad_input([&] { read_source(other); }, {"text.h5: cannot be read (file signature not found)"}));
  write_floats("x", {500, 2}, std::vector<float>(1000, 1));
  write_labels("y", std::vector<int>(500, 1));
  close();
  std::filesystem::resize_file(path(), std::filesystem::file_size(path()) / 2);
  EXPECT_TRUE(fails({"set.h5: cannot be read (truncated file)"}));
}

}  // namespace
}  // namespace lockstep
