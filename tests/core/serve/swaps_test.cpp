// Cells of a served artifact that get other weights, through real HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/serve/server_fixture.h"

namespace caldera {
namespace {

using namespace test;
using ::testing::HasSubstr;

constexpr const char* kSwaps = "/caldera/v1/swaps";
constexpr const char* kUndo = "/caldera/v1/swaps/undo";

/// Two artifacts of one model: of 2 bits, and of 4.
class SwapsTest : public testing::Test {
protected:
    SwapsTest() : server_(engineOf(coarse_), options()), finer_(engineOf(fine_)) {}

    static std::shared_ptr<Engine> engineOf(const TinyModel& model) {
        return Engine::open(model.artifact(), {.contextLength = 128});
    }
    ServeOptions options() const {
        ServeOptions options;
        options.swaps.original = "/nonexistent/original";
        options.swaps.others = {fine_.folder()};
        return options;
    }
    std::string fine() const { return fine_.folder().filename(); }

    static Json sent(const httplib::Result& result, int status) {
        EXPECT_TRUE(result);
        EXPECT_EQ(result->status, status) << result->body;
        return Json::parse(result->body);
    }
    Json swap(const Json& body, int status = 200) const {
        return sent(server_.client().Post(kSwaps, body.dump(), kJsonType), status);
    }
    Json undo(int status = 200) const {
        return sent(server_.client().Post(kUndo, "", kJsonType), status);
    }
    static Json scores(const RunningServer& server) {
        const Json body = {{"text", "The quick brown fox jumps"}, {"top_logprobs", 0}};
        return sent(server.client().Post("/caldera/v1/scores", body.dump(), kJsonType), 200)
            .at("tokens");
    }

    TinyModel coarse_{{.bits = 2, .seed = 5}};
    TinyModel fine_{{.bits = 4, .seed = 5}};
    RunningServer server_;
    RunningServer finer_;
};

TEST_F(SwapsTest, AllCellsOfAnotherArtifactAnswerAsItDoes) {
    const Json own = scores(server_);
    const Json wanted = scores(finer_);
    ASSERT_NE(own, wanted);
    const Json swapped = swap({{"cells", {"*"}}, {"source", fine()}});
    EXPECT_EQ(swapped.at("cells").size(),
              7U * static_cast<size_t>(coarse_.artifact()->config().layerCount));
    EXPECT_EQ(swapped.at("bytes"), 0) << "they lie in the other artifact's file";
    const Json now = scores(server_);
    ASSERT_EQ(now.size(), wanted.size());
    for (size_t i = 0; i < now.size(); ++i) {
        EXPECT_NEAR(now[i].at("logprob"), wanted[i].at("logprob"), 1e-4);
    }
}

TEST_F(SwapsTest, AForgottenSourceUndoesNothing) {
    const Json swapped = swap({{"cells", {"*"}}, {"source", fine()}});
    const Json error = swap({{"cells", {"*"}}}, 400).at("error");
    EXPECT_EQ(error.at("param"), "source");
    EXPECT_EQ(sent(server_.client().Get(kSwaps), 200).at("cells"), swapped.at("cells"));
}

TEST_F(SwapsTest, UndoGivesTheSameAnswersAsBefore) {
    const Json own = scores(server_);
    swap({{"cells", {"model.layers.0.self_attn.k_proj"}}, {"source", fine()}});
    const Json one = scores(server_);
    EXPECT_NE(one, own) << "and what the cache held of this text is not believed";
    swap({{"cells", {"model.layers.*.mlp.*"}}, {"source", fine()}});
    EXPECT_NE(scores(server_), one);
    EXPECT_EQ(undo().at("cells").size(), 1U);
    EXPECT_EQ(scores(server_), one);
    EXPECT_EQ(undo().at("undo_steps"), 0);
    EXPECT_EQ(scores(server_), own);
    EXPECT_THAT(undo(400).at("error").at("message").get<std::string>(), HasSubstr("No swap"));
}

TEST_F(SwapsTest, ListsAndClears) {
    const Json before = sent(server_.client().Get(kSwaps), 200);
    EXPECT_EQ(before.at("sources"), (Json{fine(), "original"}));
    EXPECT_TRUE(before.at("cells").empty());
    const Json own = scores(server_);
    swap({{"cells", {"*.up_proj", "*.down_proj"}}, {"source", fine()}});
    swap({{"cells", {"*.up_proj"}}, {"source", nullptr}});
    for (const Json& cell : sent(server_.client().Get(kSwaps), 200).at("cells")) {
        EXPECT_THAT(cell.at("cell").get<std::string>(), HasSubstr("down_proj"));
        EXPECT_EQ(cell.at("source"), fine());
    }
    const Json cleared = sent(server_.client().Delete(kSwaps), 200);
    EXPECT_TRUE(cleared.at("cells").empty());
    EXPECT_EQ(cleared.at("undo_steps"), 3) << "this is a step too";
    EXPECT_EQ(scores(server_), own);
    EXPECT_EQ(sent(server_.client().Delete(kSwaps), 200).at("undo_steps"), 3)
        << "what changes nothing is no step";
}

TEST_F(SwapsTest, RefusesWhatCannotBeAndChangesNothing) {
    const Json own = scores(server_);
    const auto refused = [&](const Json& body, const std::string& parameter) {
        const Json error = swap(body, 400).at("error");
        EXPECT_EQ(error.value("param", ""), parameter) << body;
    };
    refused({{"cells", {"model.layers.99.mlp.up_proj"}}, {"source", fine()}}, "cells");
    refused({{"cells", Json::array()}, {"source", fine()}}, "cells");
    refused({{"cells", "*"}, {"source", fine()}}, "cells");
    refused({{"cells", {7}}, {"source", fine()}}, "cells");
    refused({{"cells", {"*"}}, {"source", "/etc/passwd"}}, "source");
    refused({{"cells", {"*"}}, {"source", 7}}, "source");
    EXPECT_EQ(swap(Json::array(), 400).at("error").at("code"), "serve.request");
    EXPECT_THAT(swap({{"cells", {"*"}}, {"source", "original"}}, 500)
                    .at("error")
                    .at("message")
                    .get<std::string>(),
                HasSubstr("/nonexistent/original"));
    EXPECT_TRUE(sent(server_.client().Get(kSwaps), 200).at("cells").empty());
    EXPECT_EQ(scores(server_), own);
}

TEST_F(SwapsTest, RefuseBodiesThatAreNoJsonOfOurs) {
    const auto refused = [this](const std::string& body, const std::string& said) {
        const Json error = sent(server_.client().Post(kSwaps, body, kJsonType), 400).at("error");
        EXPECT_THAT(error.at("message").get<std::string>(), HasSubstr(said));
    };
    const std::string deep = std::string(2000000, '[') + std::string(2000000, ']');
    refused(R"({"cells": ["*"], "source": )" + deep + "}", "nested too deeply");
    refused("{\"cells\": [\"\xff\"], \"source\": null}", "not UTF-8");
    refused(R"({"cells": ["*"])", "wrong at byte");
    refused("[]", "a JSON object with \"cells\" and \"source\" was needed");
}

TEST_F(SwapsTest, WantTheToken) {
    httplib::Client stranger("127.0.0.1", server_.port());
    EXPECT_EQ(stranger.Get(kSwaps)->status, 401);
    EXPECT_EQ(stranger.Post(kUndo)->status, 401);
    EXPECT_EQ(stranger.Delete(kSwaps)->status, 401);
    EXPECT_EQ(stranger.Post(kSwaps, R"({"cells": ["*"], "source": null})", kJsonType)->status, 401);
}

TEST(Bandwidth, IsMeasuredOnceWhenItIsAskedFor) {
    const TinyModel model;
    int measured = 0;
    ServeOptions options;
    options.measureReadBandwidth = [&measured] { return 1e9 * ++measured; };
    const RunningServer server(std::make_shared<ScriptedEngine>(model.artifact(), "Yes."), options);
    server.client().Post(kChat, question(), kJsonType);
    EXPECT_EQ(measured, 0) << "nobody has asked for it";
    ASSERT_TRUE(untilHealthIs(server, 0, 0)) << "only an idle machine is measured";
    for (int i = 0; i < 2; ++i) {
        const auto result = server.client().Get("/caldera/v1/statistics");
        EXPECT_EQ(Json::parse(result->body).at("read_bytes_per_second"), 1e9);
    }
    EXPECT_EQ(measured, 1);
}

TEST(Statistics, TellHowBusyTheGpuIs) {
    const TinyModel model;
    std::optional<GpuUse> load = GpuUse{0.5, 21, 24};
    ServeOptions options;
    options.gpuUse = [&load] { return load; };
    const RunningServer server(std::make_shared<ScriptedEngine>(model.artifact(), "Yes."), options);
    const auto gpu = [&server] {
        return Json::parse(server.client().Get("/caldera/v1/statistics")->body).at("gpu");
    };
    EXPECT_EQ(gpu(), Json({{"busy", 0.5}, {"used_bytes", 21}, {"total_bytes", 24}}));
    load->busy = -1;
    EXPECT_TRUE(gpu().at("busy").is_null()) << "a part of a GPU does not tell";
    load.reset();
    EXPECT_TRUE(gpu().is_null());
}

} // namespace
} // namespace caldera
