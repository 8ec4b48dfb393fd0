// What a person asks of a compressed model on the command line: a page about it, and which cells
// moved a token.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "core/artifact/artifact.h"
#include "core/base/file.h"
#include "core/model/model.h"
#include "core/plan/plan.h"
#include "core/report/report.h"
#include "tests/support/program.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::Program;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Understand : public testing::Test {
protected:
    static void SetUpTestSuite() {
        fs::create_directories(root());
        Plan plan = defaultPlan(model(), openModel(model())->config);
        plan.skipLayers = {"model.layers.[1-7].*"};
        plan.calibration.tokens = 256;
        savePlan(plan, root() / "plan.yaml");
        ASSERT_EQ(Program({"compress", model(), "--plan", (root() / "plan.yaml").string(), "--out",
                           artifact(), "--threads", "1"})
                      .exitCode(),
                  0);
    }
    static void TearDownTestSuite() { fs::remove_all(root()); }

    static std::string model() { return CALDERA_SOURCE_DIR "/resources/demo-model"; }
    static fs::path root() {
        return fs::temp_directory_path() / ("caldera-understand-" + std::to_string(::getpid()));
    }
    static std::string artifact() { return (root() / "demo-2bit").string(); }
    static std::string hash() { return Artifact::open(artifact())->hash(); }
    /// A report with one evaluation, as of the model or artifact of this fingerprint.
    static std::string evaluationOf(const std::string& fingerprint) {
        const fs::path file = root() / "evaluated-before.h5";
        Report report;
        report.layerCount = 8;
        report.run = {{"model", "smol"}, {"fingerprint", fingerprint}};
        report.evaluations = {{"prose", {{"perplexity", 25.53}}, {}}};
        writeReport(report, file);
        return file.string();
    }
    static Json said(const std::vector<std::string>& words, int exitCode = 0) {
        Program program(words);
        program.closeInput();
        const Json document = Json::parse(program.readAll(), nullptr, false);
        EXPECT_EQ(program.exitCode(), exitCode);
        return document;
    }
};

TEST_F(Understand, ExportWritesAPageInBothForms) {
    const std::string html = (root() / "page.html").string();
    EXPECT_EQ(said({"export", artifact(), "--report", html, "--json"}).at("report"), html);
    const std::string page = readTextFile(html);
    EXPECT_THAT(page, HasSubstr("bits per weight"));
    EXPECT_THAT(page, HasSubstr("caldera compress"));
    EXPECT_THAT(page, HasSubstr("model.layers.0."));
    const std::string pdf = (root() / "page.pdf").string();
    said({"export", artifact(), "--report", pdf, "--json"});
    EXPECT_THAT(readTextFile(pdf), StartsWith("%PDF"));
    const std::string alone = (root() / "alone.html").string();
    said({"export", artifact() + "/report.h5", "--report", alone, "--json"});
    EXPECT_TRUE(fs::exists(alone));
}

TEST_F(Understand, ExportTellsEvaluationsThatItIsGiven) {
    const std::string file = (root() / "evaluation.h5").string();
    said({"evaluate", artifact(), "--reference", model(), "--max-tokens", "64", "--threads", "1",
          "--out", file, "--json"});
    const std::string html = (root() / "evaluated.html").string();
    said({"export", artifact(), "--evaluation", file, "--report", html, "--json"});
    const std::string page = readTextFile(html);
    EXPECT_THAT(page, HasSubstr("heldout"));
    EXPECT_THAT(page, HasSubstr("after layer")) << "hidden states were compared";
}

TEST_F(Understand, ExportSaysWhatIsWrong) {
    const auto codeOf = [](const std::vector<std::string>& words) {
        return said(words, 1).at("error").at("code").get<std::string>();
    };
    const std::string place = (root() / "page.doc").string();
    EXPECT_EQ(codeOf({"export", artifact(), "--report", place, "--json"}), "summary.suffix");
    EXPECT_EQ(codeOf({"export", (root() / "none.h5").string(), "--report",
                      (root() / "page.html").string(), "--json"}),
              "report.missing");
    EXPECT_FALSE(fs::exists(root() / "page.doc"));
}

TEST_F(Understand, BlameFindsCellsOfTheLayerThatWasCompressed) {
    const std::string out = (root() / "blame.h5").string();
    const Json blame = said({"blame", artifact(), "--reference", model(), "--text-tokens", "24",
                             "--out", out, "--threads", "1", "--json"});
    ASSERT_EQ(blame.at("cells").size(), 56U);
    EXPECT_GT(blame.at("original_log_probability"), blame.at("log_probability"));
    EXPECT_EQ(blame.at("candidates"), 23) << "the first has nothing before it";
    EXPECT_THAT(blame.at("cells")[0].at("cell").get<std::string>(), StartsWith("model.layers.0."));
    const Report report = readReport(out);
    ASSERT_EQ(report.fidelity.size(), 1U);
    const FidelityMetric& metric = report.fidelity.front();
    EXPECT_EQ(metric.name, "blame");
    EXPECT_NEAR(metric.values.at({7, Module::DownProj}), 0, 0.02)
        << "kept at 16 bits, so all but the same";
    EXPECT_FALSE(fs::exists(out + ".work"));
}

TEST_F(Understand, ExportRefusesNumbersOfAnotherModel) {
    const std::string page = (root() / "wrong.html").string();
    const auto exported = [&](const std::string& subject, const std::string& evaluation) {
        return std::vector<std::string>{"export",   subject, "--evaluation", evaluation,
                                        "--report", page,    "--json"};
    };
    for (const std::string& subject : {artifact(), artifact() + "/report.h5"}) {
        const Json refused = said(exported(subject, evaluationOf("the original's")), 1);
        EXPECT_EQ(refused.at("error").at("code"), "report.model");
        EXPECT_THAT(refused.at("error").at("message").get<std::string>(),
                    AllOf(HasSubstr("evaluated-before.h5"), HasSubstr("smol (8 layers) the orig"),
                          HasSubstr(hash().substr(0, 12))));
        EXPECT_FALSE(fs::exists(page));
        said(exported(subject, evaluationOf(hash())));
        EXPECT_THAT(readTextFile(page), HasSubstr("25.53"));
        fs::remove(page);
    }
}

TEST_F(Understand, BlameKeepsWhatTheReportHadOfTheSameArtifact) {
    const std::string out = evaluationOf(hash());
    said({"blame", artifact(), "--reference", model(), "--text-tokens", "8", "--out", out,
          "--threads", "1", "--json"});
    const Report report = readReport(out);
    ASSERT_EQ(report.evaluations.size(), 1U);
    EXPECT_EQ(report.evaluations.front().numbers.at("perplexity"), 25.53);
    ASSERT_EQ(report.fidelity.size(), 1U);
    EXPECT_EQ(report.fidelity.front().name, "blame");
}

TEST_F(Understand, BlameWritesOverNothingElse) {
    const std::string notes = (root() / "user.txt").string();
    writeFileAtomically(notes, "my own notes");
    const auto refusal = [&](const std::string& out, int exitCode) {
        const std::string before = readTextFile(out);
        const Json refused = said({"blame", artifact(), "--reference", model(), "--text-tokens",
                                   "8", "--out", out, "--threads", "1", "--json"},
                                  exitCode);
        EXPECT_TRUE(readTextFile(out) == before);
        EXPECT_FALSE(fs::exists(out + ".work")) << "nothing was begun";
        return refused.at("error").at("code").get<std::string>();
    };
    EXPECT_EQ(refusal(notes, 2), "report.foreign");
    EXPECT_EQ(refusal(evaluationOf("another"), 1), "report.model");
}

TEST_F(Understand, BlameRemovesNothingThatItDidNotMake) {
    const std::string out = (root() / "kept.h5").string();
    fs::create_directories(out + ".work");
    writeFileAtomically(out + ".work/notes.txt", "mine");
    const std::vector<std::string> words = {"blame",         artifact(), "--reference", model(),
                                            "--text-tokens", "8",        "--out",       out,
                                            "--threads",     "1",        "--json"};
    said(words);
    EXPECT_EQ(readTextFile(out + ".work/notes.txt"), "mine");
    EXPECT_FALSE(fs::exists(out + ".work/cells"));
    fs::create_directories(out + ".work/cells");
    writeFileAtomically(out + ".work/cells/layers-0-1.h5", "mine");
    EXPECT_EQ(said(words, 1).at("error").at("code"), "compress.work-foreign");
    EXPECT_EQ(readTextFile(out + ".work/cells/layers-0-1.h5"), "mine");
}

TEST_F(Understand, BlameRefusesATextThatIsNoUtf8) {
    const std::string text = (root() / "latin.txt").string();
    writeFileAtomically(text, "caf\xE9");
    const Json refused =
        said({"blame", artifact(), "--reference", model(), "--text", text, "--json"}, 1);
    EXPECT_EQ(refused.at("error").at("code"), "text.not-utf8");
}

TEST_F(Understand, BlameSaysWhichTokensThereAre) {
    const Json refused =
        said({"blame", artifact(), "--reference", model(), "--token", "9999999", "--json"}, 1);
    EXPECT_EQ(refused.at("error").at("code"), "blame.place");
    const std::string out = (root() / "none.h5").string();
    said(
        {"blame", artifact(), "--reference", model(), "--token", "9999999", "--out", out, "--json"},
        1);
    EXPECT_FALSE(fs::exists(out + ".work")) << "nothing was begun";
}

class UnderstandAnAnswer : public Understand {
protected:
    /// A conversation whose answer is `answer`, as a file.
    static std::string request(const std::string& answer) {
        const std::string file = (root() / "request.json").string();
        writeFileAtomically(file, Json{{"messages",
                                        {{{"role", "user"}, {"content", "Where is the sun?"}},
                                         {{"role", "assistant"}, {"content", answer}}}}}
                                      .dump());
        return file;
    }
    static Json blame(std::vector<std::string> more, int exitCode = 0) {
        std::vector<std::string> words = {"blame",     artifact(), "--reference", model(),
                                          "--threads", "1",        "--json"};
        words.insert(words.end(), more.begin(), more.end());
        return said(words, exitCode);
    }
};

TEST_F(UnderstandAnAnswer, BlameExplainsTheTokenThatHoldsAByte) {
    const std::string answer = "The sun is behind the hill.";
    const auto byte = answer.find("hill");
    const Json found = blame({"--request", request(answer), "--byte", std::to_string(byte)});
    EXPECT_NE(answer.substr(byte - 1).find(found.at("text").get<std::string>().substr(1)),
              std::string::npos)
        << found.at("text");
    EXPECT_THAT(found.at("before").get<std::string>(), HasSubstr("The sun is behind the"));
    EXPECT_THAT(found.at("before").get<std::string>(), Not(HasSubstr("hill")));
    const Json first = blame({"--request", request(answer), "--token", "1"});
    EXPECT_LT(first.at("place"), found.at("place"));
    EXPECT_THAT(first.at("before").get<std::string>(), Not(HasSubstr("The sun")));
}

TEST_F(UnderstandAnAnswer, BlameChoosesATokenOfTheAnswer) {
    const std::string file = request("It sleeps.");
    const Json first = blame({"--request", file, "--token", "1"});
    const Json chosen = blame({"--request", file});
    EXPECT_GE(chosen.at("place"), first.at("place"));
}

TEST_F(UnderstandAnAnswer, BlameSaysWhatTheAnswerHas) {
    const std::string file = request("It sleeps.");
    for (const char* option : {"--byte", "--token"}) {
        const Json refused = blame({"--request", file, option, "500"}, 1);
        EXPECT_EQ(refused.at("error").at("code"), "blame.place");
        EXPECT_THAT(refused.at("error").at("message").get<std::string>(),
                    HasSubstr("The answer has"));
    }
    writeFileAtomically(file, "{\"messages\": 7}");
    EXPECT_EQ(blame({"--request", file}, 1).at("error").at("code"), "serve.request");
}

/// Log-probabilities of a text, in a document of scores.
std::vector<double> logProbabilities(const Json& scores) {
    std::vector<double> all;
    for (const Json& token : scores.at("tokens")) {
        all.push_back(token.at("logprob"));
    }
    return all;
}

TEST_F(Understand, ServedCellsGetTheirOriginalWeightsBack) {
    const std::string text = "The sun was behind the hill when she came home.";
    const std::string request = (root() / "text.json").string();
    writeFileAtomically(request, Json{{"text", text}, {"top_logprobs", 0}}.dump());
    const auto original =
        logProbabilities(said({"score", model(), "--request", request, "--json"}));
    Program server({"serve", artifact(), "--port", "0", "--device", "cpu", "--threads", "1",
                    "--activation-bits", "16", "--original", model()});
    const Json line = Json::parse(server.readLine());
    httplib::Client client("127.0.0.1", line.at("port").get<int>());
    client.set_bearer_token_auth(line.at("token").get<std::string>().c_str());
    client.set_read_timeout(60);
    const auto scored = [&] {
        return logProbabilities(Json::parse(
            client.Post("/caldera/v1/scores", readTextFile(request), "application/json")->body));
    };
    const auto distance = [&original](const std::vector<double>& other) {
        double most = 0;
        for (size_t i = 0; i < original.size(); ++i) {
            most = std::max(most, std::abs(original[i] - other.at(i)));
        }
        return most;
    };
    const double before = distance(scored());
    const auto swapped =
        client.Post("/caldera/v1/swaps", R"({"cells": ["model.layers.0.*"], "source": "original"})",
                    "application/json");
    ASSERT_EQ(swapped->status, 200) << swapped->body;
    EXPECT_GT(Json::parse(swapped->body).at("bytes"), 0);
    EXPECT_GT(before, 0.1) << "layer 0 has two bits";
    EXPECT_LT(distance(scored()), 0.05) << "only embeddings and head are not the original's now";
}

} // namespace
} // namespace caldera
