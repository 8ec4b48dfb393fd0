// Who may ask.
#include <gtest/gtest.h>

#include "core/serve/access_token.h"
#include "core/serve/loopback_guard.h"
#include "tests/core/serve/server_fixture.h"

namespace caldera {
namespace {

using namespace test;

TEST(AccessToken, IsLongAndNeverTheSame) {
    const std::string token = randomAccessToken();
    EXPECT_EQ(token.size(), 64U);
    EXPECT_NE(randomAccessToken(), token);
}

TEST(AccessToken, IsBorneByAHeaderAlone) {
    EXPECT_TRUE(bearsToken("Bearer abc", "abc"));
    EXPECT_TRUE(bearsToken("bearer abc", "abc"));
    for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer ab", "Bearer abcd", "Bearer  abc",
                              "Basic abc", "abc", "Bearer ABC"}) {
        EXPECT_FALSE(bearsToken(wrong, "abc")) << wrong;
    }
}

TEST(OwnNames, OfAServerOnAllAddressesAreNumbers) {
    const std::vector<std::string> more = {"Box.example"};
    const OwnNames everywhere{"0.0.0.0", more};
    EXPECT_TRUE(isOwnHost("192.168.1.7:8080", everywhere));
    EXPECT_TRUE(isOwnHost("[fe80::1]:8080", everywhere));
    EXPECT_TRUE(isOwnHost("box.example", everywhere));
    EXPECT_FALSE(isOwnHost("evil.example", everywhere));
    EXPECT_FALSE(isOwnHost("192.168.1.7.evil.example", everywhere));
    EXPECT_FALSE(isOwnHost("192.168.1.7", OwnNames{"127.0.0.1"}));
    EXPECT_TRUE(isOwnOrigin("http://box.example:80", "box.example", everywhere));
    EXPECT_FALSE(isOwnOrigin("http://evil.example", "box.example", everywhere));
}

TEST_F(ServerTest, AnswersNobodyWithoutItsToken) {
    const auto engine = scripted();
    const RunningServer server(engine);
    for (const char* wrong : {"", "Bearer wrong", kToken}) {
        httplib::Client stranger("127.0.0.1", server.port());
        if (*wrong != '\0') {
            stranger.set_default_headers({{"Authorization", wrong}});
        }
        for (const char* path : {"/health", "/v1/models", "/caldera/v1/statistics"}) {
            const auto result = stranger.Get(path);
            ASSERT_TRUE(result) << path;
            EXPECT_EQ(result->status, 401) << path;
            EXPECT_EQ(Json::parse(result->body).at("error").at("code"), "invalid_api_key");
            EXPECT_EQ(result->get_header_value("WWW-Authenticate"), "Bearer");
        }
        const auto posted = stranger.Post(kChat, question(), kJsonType);
        ASSERT_TRUE(posted);
        EXPECT_EQ(posted->status, 401);
    }
    EXPECT_TRUE(engine->records().empty());
    EXPECT_EQ(server.client().Get("/health")->status, 200);
}

} // namespace
} // namespace caldera
