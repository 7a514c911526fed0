// NPZ files: archives as PKWARE's APPNOTE describes them, of NPY files.

#include <gmock/gmock.h>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data_helpers.hpp"
#include "lockstep/data/arrays.hpp"
#include "lockstep/data/source.hpp"
#include "npy_files.hpp"
#include "temporary_folder.hpp"
#include "zip_files.hpp"

namespace lockstep {
namespace {

using test::is_bad_input;
using test::npy;
using test::raw;
using test::zip_of;
using test::ZipMethod;
using testing::ElementsAre;

const std::string kX = npy("<f4", "(2, 2)", raw<float>({1, 2, 3, 4}));
const std::string kY = npy("<i8", "(2,)", raw<std::int64_t>({2, 0}));

class Npz : public testing::Test {
 protected:
  DataSource write(const std::string& archive, const std::string& name = "set.npz") {
    DataSource source;
    source.source = folder_.write(name, archive).string();
    return source;
  }

  testing::AssertionResult fails(const std::string& archive, const std::vector<std::string>& fragments) {
    return is_bad_input([&] { read_source(write(archive)); }, fragments);
  }

  test::TemporaryFolder folder_;
};

TEST_F(Npz, HoldsThePartsOfASet) {
  for (const ZipMethod method : {ZipMethod::kStored, ZipMethod::kDeflated}) {
    const DataSource source = write(zip_of({{"y_train.npy", kY},
                                            {"x_train.npy", kX},
                                            {"notes.txt", "text"},
                                            {"x_test.npy", npy("<f4", "(1, 2)", raw<float>({7, 8}))},
                                            {"y_test.npy", npy("|u1", "(1,)", raw<std::uint8_t>({1}))}},
                                           method));
    const SourceParts parts = read_source(source);
    EXPECT_EQ(parts.training.description.name, source.source);
    EXPECT_THAT(parts.training.values, ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(parts.training.labels, ElementsAre(2, 0));
    ASSERT_TRUE(parts.test.has_value());
    EXPECT_THAT(parts.test->values, ElementsAre(7, 8));
    EXPECT_EQ(parts.test->description.classes, 3);
  }
}

TEST_F(Npz, APredictionTakesXOrTheOnlyArray) {
  const DatasetDescription training{.storage = Storage::kFloats, .feature_shape = {2}, .classes = 3};
  EXPECT_THAT(read_for_prediction(write(zip_of({{"of any name.npy", kX}})), training).values,
              ElementsAre(1, 2, 3, 4));
  const DatasetContent content = read_for_prediction(write(zip_of({{"x.npy", kX}, {"z.npy", kY}})), training);
  EXPECT_THAT(content.values, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(content.description.targets, 0);
  EXPECT_TRUE(is_bad_input(
      [&] {
        read_for_prediction(write(zip_of({{"a.npy", kX}, {"b.npy", kY}})), training);
      },
      {"set.npz: no array x", "it holds a, b"}));
}

TEST_F(Npz, NamesWhatIsMissing) {
  EXPECT_TRUE(fails(zip_of({{"a.npy", kX}, {"b.npy", kY}}), {"set.npz: no array x_train", "it holds a, b"}));
  EXPECT_TRUE(fails(zip_of({{"x_train.npy", kX}}), {"set.npz: no array y_train", "it holds x_train"}));
  EXPECT_TRUE(fails(zip_of({}), {"set.npz: no array x_train", "it holds none"}));
  EXPECT_TRUE(fails(zip_of({{"x.npy", kX}, {"y.npy", npy("|u1", "(1,)", "\1")}}),
                    {"set.npz/x.npy: 2 samples, but 1 in y.npy"}));
}

TEST_F(Npz, RefusesDamagedArchives) {
  EXPECT_TRUE(fails("", {"set.npz: cannot be read", "expected an NPZ file"}));
  EXPECT_TRUE(fails(kX, {"set.npz: cannot be read", "expected an NPZ file"}));
  for (const ZipMethod method : {ZipMethod::kStored, ZipMethod::kDeflated}) {
    const std::string good = zip_of({{"x.npy", kX}, {"y.npy", kY}}, method);
    EXPECT_FALSE(fails(good, {}));
    EXPECT_TRUE(fails(good.substr(0, good.size() - 1), {"set.npz: cannot be read"}));
    EXPECT_TRUE(fails(zip_of({{"x.npy", kX}, {"y.npy", kY}}, method, 1), {"set.npz/x.npy"}));
  }
  // The last value of x stands before the header of y.
  std::string changed = zip_of({{"x.npy", kX}, {"y.npy", kY}});
  ++changed[changed.find("PK\3\4", 1) - 4];
  EXPECT_TRUE(fails(changed, {"set.npz/x.npy: cannot be read", "CRC"}));
}

TEST_F(Npz, RefusesWhatAnArchiveCannotHold) {
  for (const ZipMethod method : {ZipMethod::kStored, ZipMethod::kDeflated}) {
    EXPECT_TRUE(fails(zip_of({{"x.npy", kX}, {"y.npy", kY}}, method, 0xF0000000U),
                      {"set.npz/x.npy: 4026531984 bytes", "expected what that can hold"}));
  }
  EXPECT_TRUE(fails(zip_of({{"x.npy", kX}}, static_cast<ZipMethod>(12)), {"method 12", "expected deflate"}));
}

}  // namespace
}  // namespace lockstep
