#include "widgets/remote/pod_quote.h"

#include <gtest/gtest.h>

#include "tests/support/code_of.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

PodRequest onVolume() {
    PodRequest request;
    request.volume = {u"vol"_s, u"models"_s, 250, u"EU"_s, 17.5};
    request.volumePath = u"/workspace"_s;
    return request;
}

std::string codeAt(const QString& folder, double cap = 100, double bytes = 0) {
    PodWork work;
    work.workSeconds = 3600;
    work.volumeBytes = bytes;
    const PodRequest request = onVolume();
    return test::codeOf([&] { checkPodJob(request, folder, {work, 3}, cap); });
}

} // namespace

TEST(PodQuote, AddsEveryPartUp) {
    const PodWork work{3600, 150e9, 20e9, 0};
    const PodRates rates{200, 100e6, 10e6};
    const PodQuote quote = quotePod(work, 3.6, onVolume().volume, rates);
    EXPECT_DOUBLE_EQ(quote.downloadSeconds, 1500);
    EXPECT_DOUBLE_EQ(quote.fetchSeconds, 2000);
    EXPECT_DOUBLE_EQ(quote.seconds(), 200 + 1500 + 3600 + 2000);
    EXPECT_DOUBLE_EQ(quote.podDollars, 7.3);
    EXPECT_NEAR(quote.storageDollars, 17.5 * 7300 / (730 * 3600.0), 1e-9);
    EXPECT_DOUBLE_EQ(quote.storageMonthly, 17.5);
    EXPECT_DOUBLE_EQ(quote.dollars(), quote.podDollars + quote.storageDollars);
}

TEST(PodQuote, SaysWhenTheWorkIsUnknown) {
    EXPECT_FALSE(quotePod({}, 1, {}).known());
    EXPECT_GT(quotePod({}, 1, {}).dollars(), 0);
}

TEST(PodJob, OnlyOnTheVolume) {
    EXPECT_EQ(codeAt(u"/workspace/jobs/1"_s), "");
    EXPECT_EQ(codeAt(u"/root/jobs/1"_s), "pod.folder");
    EXPECT_EQ(codeAt(u"/workspace"_s), "pod.folder");
    EXPECT_EQ(codeAt(u"/workspace2/jobs"_s), "pod.folder");
    EXPECT_EQ(codeAt(u"/workspace/../root/jobs"_s), "pod.folder");
    EXPECT_EQ(codeAt(u"workspace/jobs"_s), "pod.folder");
    EXPECT_EQ(codeAt(u""_s), "pod.folder");
}

TEST(PodJob, NothingWithoutAVolume) {
    PodRequest request = onVolume();
    request.volume = {};
    EXPECT_EQ(test::codeOf([&] { checkPodJob(request, u"/workspace/jobs/1"_s, {}, 10); }),
              "pod.folder");
}

TEST(PodJob, TheVolumeMustHoldIt) {
    EXPECT_EQ(codeAt(u"/workspace/jobs/1"_s, 100, 250e9), "");
    EXPECT_EQ(codeAt(u"/workspace/jobs/1"_s, 100, 251e9), "pod.volume");
}

TEST(PodJob, TheCapHolds) {
    EXPECT_EQ(codeAt(u"/workspace/jobs/1"_s, 2), "pod.cap");
}

TEST(PodQuote, SmallSumsKeepTheirDigits) {
    EXPECT_EQ(dollarText(3.049), u"$3.05"_s);
    EXPECT_EQ(dollarText(0.0042), u"$0.004"_s);
    EXPECT_EQ(dollarText(0), u"$0.00"_s);
}

} // namespace caldera::studio
