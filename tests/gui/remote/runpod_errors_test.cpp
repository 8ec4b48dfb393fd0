#include "widgets/remote/runpod_errors.h"

#include <gtest/gtest.h>

#include "widgets/remote/runpod_client.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

TEST(RunpodErrors, ReadsBothKindsOfRetryAfter) {
    const QDateTime now(QDate(2026, 11, 26), QTime(10, 0, 0), Qt::UTC);
    EXPECT_EQ(retryAfterSeconds("12", now), 12.0);
    EXPECT_EQ(retryAfterSeconds(" 0 ", now), 0.0);
    EXPECT_EQ(retryAfterSeconds("Thu, 26 Nov 2026 10:01:30 GMT", now), 90.0);
    EXPECT_EQ(retryAfterSeconds("Thu, 26 Nov 2026 09:00:00 GMT", now), 0.0);
    EXPECT_EQ(retryAfterSeconds("-3", now), std::nullopt);
    EXPECT_EQ(retryAfterSeconds("soon", now), std::nullopt);
    EXPECT_EQ(retryAfterSeconds("", now), std::nullopt);
}

TEST(RunpodErrors, ShowsWhatRunpodSaysInOneShortLine) {
    RunpodReply reply;
    reply.status = 422;
    reply.body = "{\"detail\":\"bad\\nname\",\"errors\":[\"$: too long\"]}";
    const auto failure = runpodFailure(reply, {});
    ASSERT_TRUE(failure.has_value());
    EXPECT_NE(std::string(failure->error.what()).find("bad name $: too long"), std::string::npos)
        << failure->error.what();
    reply.body = QByteArray(100'000, 'x');
    EXPECT_LT(std::string(runpodFailure(reply, {})->error.what()).size(), 800U);
}

TEST(RunpodErrors, NotEvenABeginningOfTheKeyIsShown) {
    const QString key = u"rpa_0123456789abcdef"_s;
    RunpodReply reply;
    reply.status = 403;
    for (int before = 270; before < 310; ++before) {
        reply.body = QByteArray(before, 'x') + key.toLatin1() + QByteArray(100, 'y');
        const auto failure = runpodFailure(reply, key);
        EXPECT_EQ(std::string(failure->error.what()).find("rpa_"), std::string::npos) << before;
    }
}

TEST(RunpodErrors, CapacityIsToldFromOtherMistakes) {
    RunpodReply reply;
    reply.status = 400;
    reply.body = R"({"detail":"There are no longer any instances available"})";
    EXPECT_EQ(runpodFailure(reply, {})->error.code(), "pod.no-capacity");
    reply.body = R"({"detail":"name must not be empty"})";
    EXPECT_EQ(runpodFailure(reply, {})->error.code(), "pod.request");
}

TEST(RunpodClient, WaitsDoubleWithJitterUpToTheLongest) {
    using std::chrono::milliseconds;
    const RunpodClient client(QUrl(u"http://localhost"_s), u"key-for-nobody"_s,
                              {6, milliseconds(100), milliseconds(1000)});
    for (int round = 0; round < 50; ++round) {
        const auto first = client.waitBefore(1).count();
        EXPECT_TRUE(first >= 50 && first <= 100) << first;
        const auto third = client.waitBefore(3).count();
        EXPECT_TRUE(third >= 200 && third <= 400) << third;
        const auto late = client.waitBefore(60).count();
        EXPECT_TRUE(late >= 500 && late <= 1000) << late;
    }
}

} // namespace caldera::studio
