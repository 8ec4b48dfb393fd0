#include <QSignalSpy>
#include <QTemporaryDir>

#include "tests/gui/remote/runpod_fixture.h"
#include "tests/support/code_of.h"
#include "widgets/remote/pod_service.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

using caldera::test::Trouble;

namespace {

PodTiming fast() {
    using std::chrono::milliseconds;
    return {milliseconds(1), milliseconds(5), milliseconds(10), milliseconds(20),
            std::chrono::seconds(900)};
}

class PodRentalTest : public RunpodTest {
protected:
    PodRecord wish() const {
        PodRecord record;
        record.jobId = u"job-1"_s;
        record.request = request();
        record.jobFolder = u"/workspace/jobs/job-1"_s;
        record.cap = 10;
        return record;
    }
    /// A studio that has just started: nothing but the records is left of the one before.
    void startStudio() {
        service_.reset();
        service_ = std::make_unique<PodService>(folder_.path(), fast());
        service_->setProvider(std::make_unique<RunpodProvider>(key(), url(), shortPatience()));
    }
    PodRental* rent() {
        startStudio();
        return service_->rent(wish());
    }
    static bool reaches(const PodRental* rental, PodPhase phase) {
        return QTest::qWaitFor([=] { return rental->record().phase == phase; }, kWaitLimit);
    }
    PodRental* recovered() {
        const bool found =
            QTest::qWaitFor([this] { return service_->rental(u"job-1"_s) != nullptr; }, kWaitLimit);
        EXPECT_TRUE(found);
        return service_->rental(u"job-1"_s);
    }

    QTemporaryDir folder_;
    std::unique_ptr<PodService> service_;
};

} // namespace

TEST_F(PodRentalTest, RentsHandsTheEndpointOnAndGoesBackVerified) {
    server_.setSsh("203.0.113.7", 40022, "root");
    PodRental* rental = rent();
    QSignalSpy ready(rental, &PodRental::ready);
    ASSERT_TRUE(reaches(rental, PodPhase::Ready));
    ASSERT_TRUE(ready.count() > 0 || ready.wait(kWaitLimit));
    const auto endpoint = ready.first().first().value<SshEndpoint>();
    EXPECT_EQ(endpoint.host, u"203.0.113.7"_s);
    EXPECT_EQ(endpoint.port, 40022);
    EXPECT_DOUBLE_EQ(rental->hourlyPrice(), 1.59);

    EXPECT_EQ(test::codeOf([&] { rental->giveBack(); }), "pod.unverified");
    EXPECT_EQ(server_.pods().size(), 1U);
    rental->markVerified();
    rental->giveBack();
    ASSERT_TRUE(reaches(rental, PodPhase::Returned));
    EXPECT_TRUE(server_.pods().empty());
    EXPECT_EQ(rental->hourlyPrice(), 0);
}

TEST_F(PodRentalTest, CountsWhatItCostsByTheSecond) {
    PodRental* rental = rent();
    ASSERT_TRUE(reaches(rental, PodPhase::Ready));
    server_.advance(3600);
    EXPECT_TRUE(QTest::qWaitFor([&] { return rental->record().spent > 1.5; }, kWaitLimit));
    EXPECT_NEAR(rental->record().spent, server_.spent(), 0.01);
}

TEST_F(PodRentalTest, StopsBeforeTheCapIsPassed) {
    PodRental* rental = rent();
    ASSERT_TRUE(reaches(rental, PodPhase::Ready));
    QSignalSpy warned(rental, &PodRental::aboutToStop);
    server_.advance(3600 * (10 / 1.59) - 0.01); // a moment before the cap
    ASSERT_TRUE(reaches(rental, PodPhase::Stopped));
    ASSERT_EQ(warned.count(), 1);
    EXPECT_EQ(warned.first().first().value<PodStopReason>(), PodStopReason::Budget);
    EXPECT_TRUE(server_.costly().empty());
    EXPECT_EQ(rental->hourlyPrice(), 0);
    EXPECT_NEAR(server_.spent(), 10, 0.01);
}

TEST_F(PodRentalTest, StopsWhenNothingHappens) {
    startStudio();
    PodRecord record = wish();
    record.idleMinutes = 0.005; // 300 ms
    PodRental* rental = service_->rent(record);
    ASSERT_TRUE(reaches(rental, PodPhase::Ready));
    QElapsedTimer busy;
    for (busy.start(); busy.elapsed() < 600; QTest::qWait(10))
        rental->noteActivity();
    EXPECT_EQ(rental->record().phase, PodPhase::Ready);
    rental->setOccupied(true);
    QTest::qWait(600); // twice as long as it may be idle
    EXPECT_EQ(rental->record().phase, PodPhase::Ready);
    rental->setOccupied(false);
    ASSERT_TRUE(reaches(rental, PodPhase::Stopped))
        << static_cast<int>(rental->record().phase) << rental->problem().toStdString();
    EXPECT_EQ(rental->record().reason, PodStopReason::Idle);
    EXPECT_EQ(server_.pods().begin()->second, "EXITED");
}

TEST_F(PodRentalTest, AHangingStartIsGivenBack) {
    server_.hangProvisioning(true);
    PodRental* rental = rent();
    ASSERT_TRUE(reaches(rental, PodPhase::Starting));
    server_.advance(901);
    ASSERT_TRUE(reaches(rental, PodPhase::Returned));
    EXPECT_TRUE(server_.pods().empty());
    EXPECT_TRUE(rental->record().failure.contains(u"15 minutes"_s));
}

TEST_F(PodRentalTest, AnImageThatDoesNotStartIsGivenBack) {
    server_.hangProvisioning(true);
    PodRental* rental = rent();
    ASSERT_TRUE(reaches(rental, PodPhase::Starting));
    server_.setStatus("pod1", "ERROR");
    ASSERT_TRUE(reaches(rental, PodPhase::Returned));
    EXPECT_TRUE(server_.pods().empty());
    EXPECT_TRUE(rental->record().failure.contains(u"does not start"_s));
}

TEST_F(PodRentalTest, WhatCannotBeHadCostsNothing) {
    server_.cause({.verb = "POST", .path = "/v2/pods", .times = 9, .status = 402});
    PodRental* rental = rent();
    ASSERT_TRUE(reaches(rental, PodPhase::Returned));
    EXPECT_TRUE(rental->record().failure.contains(u"credit"_s));
}

TEST_F(PodRentalTest, StopsThoughTheProviderIsDownForAWhile) {
    PodRental* rental = rent();
    ASSERT_TRUE(reaches(rental, PodPhase::Ready));
    server_.cause({.verb = "POST", .path = "/v2/pods/.*/action", .times = 9, .status = 500});
    rental->stop(PodStopReason::User);
    ASSERT_TRUE(reaches(rental, PodPhase::Stopped));
    EXPECT_TRUE(server_.costly().empty());
}

TEST_F(PodRentalTest, APodThatCannotBeStoppedIsGivenBackBecauseItsVolumeStays) {
    PodRental* rental = rent();
    ASSERT_TRUE(reaches(rental, PodPhase::Ready));
    server_.allowStop(false);
    rental->stop(PodStopReason::Budget);
    ASSERT_TRUE(reaches(rental, PodPhase::Returned));
    EXPECT_TRUE(server_.costly().empty());
}

TEST_F(PodRentalTest, APodThatIsCalledOffWhileItIsMadeGoesBack) {
    server_.cause({.verb = "POST", .path = "/v2/pods", .delay = 150});
    PodRental* rental = rent();
    ASSERT_TRUE(QTest::qWaitFor([&] { return server_.count("POST /v2/pods") == 1; }, kWaitLimit));
    rental->stop(PodStopReason::User);
    ASSERT_TRUE(reaches(rental, PodPhase::Returned));
    EXPECT_TRUE(server_.pods().empty());
}

TEST_F(PodRentalTest, NoticesWhatOthersDoToThePod) {
    PodRental* rental = rent();
    ASSERT_TRUE(reaches(rental, PodPhase::Ready));
    resultOf(provider_.stop(u"pod1"_s)); // as its watchdog would
    ASSERT_TRUE(reaches(rental, PodPhase::Stopped));
    resultOf(provider_.terminate(u"pod1"_s));
    rental->giveBack(PodRental::Insist::Yes);
    ASSERT_TRUE(reaches(rental, PodPhase::Returned));
}

TEST_F(PodRentalTest, ARestartedStudioGoesOn) {
    ASSERT_TRUE(reaches(rent(), PodPhase::Ready));
    server_.advance(1800);
    startStudio();
    PodRental* rental = recovered();
    QSignalSpy ready(rental, &PodRental::ready);
    ASSERT_TRUE(ready.wait(kWaitLimit));
    EXPECT_EQ(server_.count("POST /v2/pods"), 1);
    EXPECT_NEAR(rental->record().spent, server_.spent(), 0.01);
}

TEST_F(PodRentalTest, HoursThatNobodySawCountAtMost) {
    for (const double cap : {10.0, 2.0}) {
        PodRecord wanted = wish();
        wanted.cap = cap;
        startStudio();
        PodRental* rental = service_->rent(wanted);
        ASSERT_TRUE(reaches(rental, PodPhase::Ready));
        const double price = rental->hourlyPrice();
        service_.reset(); // the laptop is closed, and the watchdog ends the pod
        PodRecord kept = loadPodRecords(folder_.path()).first();
        kept.seenAt = kept.seenAt.addSecs(-2 * 3600);
        savePodRecord(folder_.path(), kept);
        resultOf(provider_.stop(kept.podId));
        startStudio();
        ASSERT_TRUE(reaches(recovered(), PodPhase::Stopped));
        EXPECT_NEAR(recovered()->record().spent, std::min(cap, kept.spent + 2 * price), 0.05);
        EXPECT_EQ(recovered()->record().spentBefore, recovered()->record().spent);
        resultOf(provider_.terminate(kept.podId));
        recovered()->giveBack(PodRental::Insist::Yes);
        ASSERT_TRUE(reaches(recovered(), PodPhase::Returned));
        service_.reset();
        QFile::remove(folder_.filePath(u"job-1.json"_s));
    }
}

TEST_F(PodRentalTest, ARestartedStudioRentsNothingByItself) {
    savePodRecord(folder_.path(), wish());
    startStudio();
    ASSERT_TRUE(reaches(recovered(), PodPhase::Returned));
    EXPECT_EQ(server_.count("POST /v2/pods"), 0);
}

TEST_F(PodRentalTest, KilledAnywhereNoPodIsForgotten) {
    // At each request of a whole rental the studio dies: once as the request leaves, and once
    // after it was carried out and before its answer is known.
    for (int killAt = 1; killAt <= 14; ++killAt) {
        PodRental* rental = rent();
        const size_t before = server_.requests().size();
        bool over = false;
        for (int step = 0; step < 3000 && !over; ++step) {
            QTest::qWait(1);
            const PodPhase phase = rental->record().phase;
            if (phase == PodPhase::Ready) {
                rental->markVerified();
                rental->giveBack();
            }
            over = phase == PodPhase::Returned ||
                   server_.requests().size() >= before + static_cast<size_t>(killAt);
        }
        startStudio();
        rental = recovered();
        ASSERT_TRUE(QTest::qWaitFor(
            [=] {
                return rental->record().phase == PodPhase::Ready ||
                       rental->record().phase == PodPhase::Returned;
            },
            kWaitLimit))
            << killAt;
        if (rental->record().phase == PodPhase::Ready)
            rental->giveBack(PodRental::Insist::Yes);
        ASSERT_TRUE(reaches(rental, PodPhase::Returned)) << killAt;
        // A request of the dead studio may be carried out late; the next look finds its pod.
        ASSERT_TRUE(QTest::qWaitFor(
            [this] {
                service_->refresh();
                QTest::qWait(5);
                return server_.pods().empty();
            },
            kWaitLimit))
            << killAt;
    }
}

TEST_F(PodRentalTest, APriceThatIsNotToldCountsAsTheHighestAllowed) {
    server_.hidePrices();
    PodRental* rental = rent();
    ASSERT_TRUE(reaches(rental, PodPhase::Ready));
    EXPECT_DOUBLE_EQ(rental->hourlyPrice(), rental->record().request.ceiling);
    server_.advance(3 * 3600); // of 4 dollars an hour, and 10 are allowed
    ASSERT_TRUE(reaches(rental, PodPhase::Stopped));
    EXPECT_EQ(rental->record().reason, PodStopReason::Budget);
}

TEST_F(PodRentalTest, AStatusThatIsNewDoesNotKeepAPodForEver) {
    PodRental* rental = rent();
    ASSERT_TRUE(reaches(rental, PodPhase::Ready));
    server_.setStatus("pod1", "MIGRATING");
    rental->markVerified();
    rental->giveBack();
    ASSERT_TRUE(reaches(rental, PodPhase::Returned)) << rental->problem().toStdString();
    EXPECT_TRUE(server_.pods().empty());
}

TEST_F(PodRentalTest, DamagedRecordsStopTheirPods) {
    savePodRecord(folder_.path(), wish());
    resultOf(provider_.create(request()));
    QFile file(folder_.filePath(u"job-1.json"_s));
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    file.write("{\"format\": \"caldera-pod/1\", \"job\":");
    file.close();
    startStudio();
    ASSERT_TRUE(reaches(recovered(), PodPhase::Stopped));
    EXPECT_TRUE(server_.costly().empty());
}

TEST_F(PodRentalTest, PodsOfOtherMachinesAreShownAndLeftAlone) {
    server_.addPod("caldera-from-elsewhere");
    server_.addPod("somebody-elses");
    startStudio();
    ASSERT_TRUE(QTest::qWaitFor([&] { return !service_->strangers().isEmpty(); }, kWaitLimit));
    ASSERT_EQ(service_->strangers().size(), 1);
    EXPECT_EQ(service_->strangers().first().name, u"caldera-from-elsewhere"_s);
    EXPECT_DOUBLE_EQ(service_->hourlyPrice(), 1);
    service_->stopAll();
    EXPECT_EQ(server_.pods().size(), 2U);
}

TEST_F(PodRentalTest, NoKeyNoPod) {
    PodService service(folder_.path());
    EXPECT_EQ(test::codeOf([&] { service.rent(wish()); }), "pod.provider");
}

TEST_F(PodRentalTest, RecordsHoldNoKey) {
    PodRental* rental = rent();
    ASSERT_TRUE(reaches(rental, PodPhase::Ready));
    QByteArray text;
    const auto saved = [&] {
        QFile file(folder_.filePath(u"job-1.json"_s));
        text = file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
        return text.contains("\"phase\": \"ready\"");
    };
    ASSERT_TRUE(QTest::qWaitFor(saved, kWaitLimit));
    EXPECT_FALSE(text.contains(server_.key().c_str()));
    const PodRecord record = podRecordFromJson(text, u"a record"_s);
    EXPECT_EQ(podRecordToJson(record), text);
}

} // namespace caldera::studio
