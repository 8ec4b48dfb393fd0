// A provider that talks to a played RunPod and waits only milliseconds between attempts.
#pragma once

#include <gtest/gtest.h>

#include "tests/gui/remote/waiting.h"
#include "tests/support/fake_runpod.h"
#include "widgets/remote/runpod_provider.h"

namespace caldera::studio {

inline RunpodPatience shortPatience() {
    using std::chrono::milliseconds;
    return {4, milliseconds(1), milliseconds(8), milliseconds(5000), milliseconds(3000)};
}

class RunpodTest : public ::testing::Test {
protected:
    QUrl url() const { return QUrl(QString::fromStdString(server_.url())); }
    QString key() const { return QString::fromStdString(server_.key()); }

    static PodRequest request() {
        using namespace Qt::Literals::StringLiterals;
        PodRequest wish;
        wish.name = podName(u"job-1"_s);
        wish.image = u"runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404"_s;
        wish.gpus = {u"NVIDIA A100 80GB PCIe"_s, u"NVIDIA H100 80GB HBM3"_s};
        wish.minimumCuda = u"12.8"_s;
        wish.ceiling = 4;
        wish.volume = {u"vol_models"_s, u"models"_s, 300, u"EU-RO-1"_s, 21};
        wish.volumePath = u"/workspace"_s;
        wish.publicKey = u"ssh-ed25519 AAAA test"_s;
        return wish;
    }

    test::FakeRunpod server_;
    RunpodProvider provider_{key(), url(), shortPatience()};
};

} // namespace caldera::studio
