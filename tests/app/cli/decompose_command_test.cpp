#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/job/job_folder.h"
#include "core/model/safetensors.h"
#include "tests/app/cli/run_command.h"

namespace caldera::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

constexpr int64_t kSize = 16;

std::vector<float> identity(float scale = 1) {
    std::vector<float> values(kSize * kSize);
    for (size_t i = 0; i < kSize; ++i) {
        values[i * kSize + i] = scale;
    }
    return values;
}

class DecomposeCommand : public testing::Test {
protected:
    void SetUp() override { fs::create_directories(folder_); }
    void TearDown() override { fs::remove_all(folder_); }

    static void add(SafetensorsWriter& writer, const std::string& name,
                    const std::vector<float>& values, std::vector<int64_t> shape) {
        writer.add(name, "F32", std::move(shape), std::as_bytes(std::span(values)));
    }

    Json errorOf(const SafetensorsWriter& writer) const {
        writer.write(file_);
        const Result result = runCommandLine({"decompose", "--weight", file_.string(), "--rank",
                                              "0", "--codec", "e8p", "--threads", "1", "--json"},
                                             addDecomposeCommand);
        EXPECT_EQ(result.exitCode, 1) << result.out;
        return Json::parse(result.out).value("error", Json::object());
    }

    /// Of the identity as the weight, with this Hessian.
    Json errorWith(const std::vector<float>& hessian) const {
        SafetensorsWriter writer;
        add(writer, "weight", identity(), {kSize, kSize});
        add(writer, "hessian", hessian, {kSize, kSize});
        return errorOf(writer);
    }

    fs::path folder_ = fs::path(testing::TempDir()) / newJobId();
    fs::path file_ = folder_ / "cell.safetensors";
};

TEST_F(DecomposeCommand, NamesTheFileOfABadHessian) {
    std::vector<float> skew = identity();
    skew[1] = 5;
    std::vector<float> hollow = identity();
    hollow[0] = std::numeric_limits<float>::quiet_NaN();
    for (const std::vector<float>& hessian : {skew, hollow, identity(-1), identity(1e38F)}) {
        EXPECT_THAT(errorWith(hessian).at("message"),
                    StartsWith(file_.string() + ": The Hessian "));
    }
}

TEST_F(DecomposeCommand, NamesTheFileOfWeightsOutOfRange) {
    SafetensorsWriter writer;
    add(writer, "weight", identity(1e10F), {kSize, kSize});
    const Json error = errorOf(writer);
    EXPECT_EQ(error.at("code"), "decompose.range");
    EXPECT_THAT(error.at("message"), StartsWith(file_.string() + ": "));
}

TEST_F(DecomposeCommand, NamesTheTensorThatHoldsNoNumbers) {
    SafetensorsWriter writer;
    writer.add("weight", "BOOL", {kSize, kSize}, std::vector<std::byte>(kSize * kSize));
    EXPECT_THAT(errorOf(writer).at("message"),
                StartsWith(file_.string() + ": tensor \"weight\": Elements of type \"BOOL\""));
}

TEST_F(DecomposeCommand, RefusesMatricesThatAreEmpty) {
    for (const std::vector<int64_t>& shape : {std::vector<int64_t>{0, 0}, {0, kSize}, {kSize, 0}}) {
        SafetensorsWriter writer;
        add(writer, "weight", {}, shape);
        const Json error = errorOf(writer);
        EXPECT_EQ(error.at("code"), "decompose.shape");
        EXPECT_THAT(error.at("message"), HasSubstr("; a matrix that is not empty"));
    }
}

} // namespace
} // namespace caldera::cli
