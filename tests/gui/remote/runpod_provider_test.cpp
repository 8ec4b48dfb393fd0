#include "tests/gui/remote/runpod_fixture.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

using caldera::test::FakeRunpod;
using caldera::test::Trouble;

class RunpodProviderTest : public RunpodTest {};

TEST_F(RunpodProviderTest, ListsGpusWithPricesAndWhereTheyAre) {
    const QList<PodOffer> offers = resultOf(provider_.offers(1));
    ASSERT_EQ(offers.size(), 3);
    EXPECT_EQ(offers[0].name, u"H100 SXM"_s);
    EXPECT_EQ(offers[0].memoryGb, 80);
    EXPECT_DOUBLE_EQ(offers[0].price, 3.49);
    EXPECT_EQ(offers[0].stock, PodStock::High);
    ASSERT_EQ(offers[0].places.size(), 2);
    EXPECT_EQ(offers[0].places[1].id, u"US-TX-3"_s);
    EXPECT_EQ(offers[0].places[1].stock, PodStock::Low);
}

TEST_F(RunpodProviderTest, ListsVolumesWithWhatTheyCostAMonth) {
    const QList<PodVolume> volumes = resultOf(provider_.volumes());
    ASSERT_EQ(volumes.size(), 2);
    EXPECT_EQ(volumes[0].id, u"vol_models"_s);
    EXPECT_EQ(volumes[0].sizeGb, 300);
    EXPECT_EQ(volumes[0].dataCenter, u"EU-RO-1"_s);
    EXPECT_DOUBLE_EQ(volumes[0].monthlyPrice, 21.0);
}

TEST_F(RunpodProviderTest, AsksForAPodOnTheVolumeWithoutAnySecretInIt) {
    const Pod pod = resultOf(provider_.create(request()));
    EXPECT_EQ(pod.name, u"caldera-job-1"_s);
    EXPECT_EQ(pod.gpu, u"NVIDIA A100 80GB PCIe"_s);
    EXPECT_DOUBLE_EQ(pod.hourlyPrice, 1.59);
    const nlohmann::json sent = server_.lastCreation();
    EXPECT_EQ(sent["mounts"]["network"][0]["volumeId"], "vol_models");
    EXPECT_EQ(sent["mounts"]["network"][0]["path"], "/workspace");
    EXPECT_EQ(sent["dataCenterIds"][0], "EU-RO-1");
    EXPECT_EQ(sent["ports"][0], "22/tcp");
    EXPECT_EQ(sent["gpu"]["minCudaVersion"], "12.8");
    EXPECT_EQ(sent["env"]["PUBLIC_KEY"], "ssh-ed25519 AAAA test");
    EXPECT_EQ(sent.dump().find(server_.key()), std::string::npos);
}

TEST_F(RunpodProviderTest, TellsWhereToLogInOnceThePodRuns) {
    server_.setSsh("203.0.113.7", 40022, "root");
    const Pod made = resultOf(provider_.create(request()));
    EXPECT_TRUE(made.ssh.host.isEmpty());
    Pod pod = made;
    for (int look = 0; look < 5 && pod.status != PodStatus::Running; ++look)
        pod = resultOf(provider_.pod(made.id));
    EXPECT_EQ(pod.ssh.host, u"203.0.113.7"_s);
    EXPECT_EQ(pod.ssh.port, 40022);
    EXPECT_EQ(pod.ssh.user, u"root"_s);
    EXPECT_EQ(pod.volumeId, u"vol_models"_s);
    EXPECT_TRUE(pod.canStop);
}

TEST_F(RunpodProviderTest, CountsTimeByTheServersClock) {
    const Pod made = resultOf(provider_.create(request()));
    server_.advance(7200);
    EXPECT_NEAR(resultOf(provider_.pod(made.id)).rentedSeconds, 7200, 5);
}

TEST_F(RunpodProviderTest, CreatesOnlyOnceHoweverOftenItIsAsked) {
    const Pod first = resultOf(provider_.create(request()));
    const Pod again = resultOf(provider_.create(request()));
    EXPECT_EQ(first.id, again.id);
    EXPECT_EQ(server_.count("POST /v2/pods"), 1);
}

TEST_F(RunpodProviderTest, FindsThePodWhoseAnswerWasLost) {
    server_.cause({.verb = "POST", .path = "/v2/pods", .dropAnswer = true});
    const Pod pod = resultOf(provider_.create(request()));
    EXPECT_EQ(server_.count("POST /v2/pods"), 1);
    EXPECT_EQ(server_.pods().size(), 1U);
    EXPECT_EQ(pod.id, QString::fromStdString(server_.pods().begin()->first));
}

TEST_F(RunpodProviderTest, AsksAgainWhenTheLostRequestMadeNothing) {
    server_.cause({.verb = "POST", .path = "/v2/pods", .times = 2, .status = 502});
    resultOf(provider_.create(request()));
    EXPECT_EQ(server_.count("POST /v2/pods"), 3);
    EXPECT_EQ(server_.pods().size(), 1U);
}

TEST_F(RunpodProviderTest, GivesDoublesBack) {
    server_.addPod("caldera-job-1");
    server_.addPod("caldera-job-1");
    server_.addPod("caldera-job-10");
    const Pod pod = resultOf(provider_.create(request()));
    EXPECT_EQ(server_.pods().size(), 2U);
    EXPECT_TRUE(server_.pods().contains(pod.id.toStdString()));
}

TEST_F(RunpodProviderTest, TriesTheNextGpuWhereOneIsSoldOut) {
    server_.setStock("NVIDIA A100 80GB PCIe", false);
    EXPECT_EQ(resultOf(provider_.create(request())).gpu, u"NVIDIA H100 80GB HBM3"_s);
}

TEST_F(RunpodProviderTest, SaysSoWhenAllAreSoldOut) {
    server_.setStock("NVIDIA A100 80GB PCIe", false);
    server_.setStock("NVIDIA H100 80GB HBM3", false);
    const Error error = errorOf(provider_.create(request()));
    EXPECT_EQ(error.code(), "pod.no-capacity");
    EXPECT_NE(std::string(error.what()).find("longer any instances"), std::string::npos);
    EXPECT_TRUE(server_.pods().empty());
}

TEST_F(RunpodProviderTest, AsksForNothingAboveTheCeiling) {
    PodRequest wish = request();
    wish.ceiling = 1;
    const Error error = errorOf(provider_.create(wish));
    EXPECT_EQ(error.code(), "pod.too-dear");
    EXPECT_NE(std::string(error.what()).find("$1.59"), std::string::npos) << error.what();
    EXPECT_EQ(server_.count("POST /v2/pods"), 0);
}

TEST_F(RunpodProviderTest, GivesBackWhatTurnsOutDearerThanTheCeiling) {
    server_.setRealPrice(9);
    EXPECT_EQ(errorOf(provider_.create(request())).code(), "pod.too-dear");
    EXPECT_TRUE(server_.pods().empty());
}

TEST_F(RunpodProviderTest, StopsAndGivesBackMoreThanOnce) {
    const Pod pod = resultOf(provider_.create(request()));
    resultOf(provider_.stop(pod.id));
    resultOf(provider_.stop(pod.id));
    EXPECT_TRUE(server_.costly().empty());
    EXPECT_EQ(resultOf(provider_.pod(pod.id)).status, PodStatus::Stopped);
    resultOf(provider_.terminate(pod.id));
    resultOf(provider_.terminate(pod.id));
    EXPECT_EQ(errorOf(provider_.pod(pod.id)).code(), "pod.gone");
}

TEST_F(RunpodProviderTest, SaysWhenAPodCannotBeStopped) {
    const Pod pod = resultOf(provider_.create(request()));
    server_.allowStop(false);
    EXPECT_EQ(errorOf(provider_.stop(pod.id)).code(), "pod.conflict");
}

} // namespace caldera::studio
