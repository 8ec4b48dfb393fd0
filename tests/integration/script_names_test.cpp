// The names that scripts rely on: options and JSON keys of the command line.
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/model/safetensors.h"
#include "core/report/report.h"
#include "tests/support/program.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::Program;

class ScriptNames : public testing::Test {
protected:
    void SetUp() override { fs::create_directories(root_); }
    void TearDown() override { fs::remove_all(root_); }

    std::string file(const char* name) const { return (root_ / name).string(); }

    /// The document that a command prints with --json.
    static Json document(std::vector<std::string> words) {
        words.emplace_back("--json");
        Program program(words);
        program.closeInput();
        const std::string text = program.readAll();
        EXPECT_EQ(program.exitCode(), 0) << text;
        return Json::parse(text, nullptr, false);
    }
    static void expectNumbers(const Json& document, const std::vector<std::string>& names) {
        for (const std::string& name : names) {
            ASSERT_TRUE(document.contains(name)) << name << " is missing from " << document;
            EXPECT_TRUE(document[name].is_number()) << name << " in " << document;
        }
    }
    std::string writeWeight() const {
        std::vector<float> values(64 * 48);
        for (size_t i = 0; i < values.size(); ++i) {
            values[i] = static_cast<float>(i * 7919 % 1009) / 1009 - 0.5F;
        }
        SafetensorsWriter writer;
        writer.add("weight", "F32", {64, 48}, std::as_bytes(std::span(values)));
        writer.write(root_ / "weight.safetensors");
        return file("weight.safetensors");
    }
    std::string writeText() const {
        std::ofstream text(root_ / "text.txt");
        for (int i = 0; i < 120; ++i) {
            text << "It rained for " << i << " days, and then the sun came out again. ";
        }
        return file("text.txt");
    }

    const std::string model_ = std::string(CALDERA_SOURCE_DIR) + "/resources/demo-model";
    fs::path root_ = fs::temp_directory_path() / ("caldera-names-" + std::to_string(::getpid()));
};

TEST_F(ScriptNames, OfDecompose) {
    const Json told = document({"decompose", "--weight", writeWeight(), "--bits", "2", "--rank",
                                "16", "--factor-bits", "4", "--codec", "e8p"});
    expectNumbers(told, {"relative_error", "proxy_error", "bpw", "seconds"});
    ASSERT_FALSE(told.at("history").empty());
    EXPECT_TRUE(told.at("history").at(0).at("relative_error").is_number());
    EXPECT_NEAR(told.at("proxy_error").get<double>(),
                told.at("relative_error").get<double>() * told.at("relative_error").get<double>(),
                1e-9);
}

TEST_F(ScriptNames, FromPlanToEvaluation) {
    const Json planned = document({"plan", "new", model_, "--out", file("p.yaml")});
    expectNumbers(planned, {"bpw", "bytes"});
    std::ofstream(root_ / "quick.yaml")
        << "format: caldera-plan/1\n"
           "calibration: {tokens: 256, sequence_length: 128}\n"
           "caldera: {rank: 16, skip_layers: [\"*.layers.[1-7].*\"]}\n";
    const Json made =
        document({"compress", model_, "--plan", file("quick.yaml"), "--out", file("artifact")});
    expectNumbers(made, {"bpw", "bytes", "cells", "seconds", "mean_relative_error"});
    EXPECT_EQ(made.at("hash").get<std::string>().size(), 64U);
    EXPECT_EQ(document({"info", file("artifact")}).at("hash"), made.at("hash"));
    const Json judged = document({"evaluate", file("artifact"), "--reference", model_, "--text",
                                  writeText(), "--context", "128", "--max-tokens", "512"});
    expectNumbers(judged, {"perplexity", "kl_mean", "kl_p99", "top1_agreement", "tokens"});
    EXPECT_EQ(judged.at("tokens"), 512 - 4);
}

TEST_F(ScriptNames, OfFidelity) {
    const Json told = document({"fidelity", model_, "--metric", "proxy", "--out", file("f.h5"),
                                "--calibration-tokens", "128"});
    EXPECT_EQ(told.at("metric"), "proxy");
    const Report report = readReport(root_ / "f.h5");
    EXPECT_EQ(report.fidelity.at(0).values.size(), told.at("values").size());
}

TEST_F(ScriptNames, OfBenches) {
    std::set<std::string> codecs;
    const Json bench = document({"bench", "codec", "--samples", "4096"});
    for (const Json& row : bench.at("rows")) {
        expectNumbers(row, {"bits", "mse"});
        codecs.insert(row.at("codec"));
    }
    EXPECT_TRUE(codecs.contains("e8p-2"));
    EXPECT_TRUE(codecs.contains("lloyd-4"));
    expectNumbers(
        document({"bench", "gemv", "--rows", "64", "--columns", "64", "--seconds", "0.01"}),
        {"seconds", "weights_per_second", "bytes_per_second"});
}

TEST_F(ScriptNames, WrongWordsExitWithTwo) {
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {},
             {"dance"},
             {"evaluate"},
             {"evaluate", model_, "--device", "abacus"},
             {"fidelity", model_, "--device", "abacus", "--out", file("f.h5")},
             {"compress", model_},
             {"compress", model_, "--out", file("x"), "--threads", "-1"},
             {"decompose", "--weight", writeWeight(), "--device", "abacus"},
             {"chat", model_, "--json"}}) {
        EXPECT_EQ(Program(words).exitCode(), 2) << Json(words);
    }
}

} // namespace
} // namespace caldera
