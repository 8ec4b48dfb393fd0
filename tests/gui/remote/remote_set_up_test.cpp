// What a host gets before its first job, where nothing of ours is: the worker, and the model.
#include <filesystem>
#include <memory>

#include <QDir>
#include <QSet>

#include "core/model/model.h"
#include "tests/gui/remote/remote_service.h"
#include "tests/gui/remote/small_bundle.h"
#include "tests/support/code_of.h"
#include "tests/support/fake_hub.h"
#include "widgets/remote/outline_fetch.h"
#include "widgets/remote/remote_record.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
namespace fs = std::filesystem;

constexpr int kPatience = 120'000;
constexpr auto kToken = "hf_token_of_the_test";

class RemoteSetUpTest : public RemoteServiceTest {
protected:
    RemoteSetUpTest() : RemoteServiceTest(kPatience) {}
    void SetUp() override {
        makeService();
        QObject::connect(service_.get(), &JobService::jobChanged, service_.get(),
                         [this](const QString& id) { stages_.insert(service_->job(id).stage); });
        awaitService();
    }
    QString measure(const Target& target, const QString& model) {
        return service_->start({u"fidelity"_s,
                                u"Measure"_s,
                                {u"fidelity"_s, model, u"--metric"_s, u"lens"_s, u"--text-tokens"_s,
                                 u"32"_s, u"--negatives"_s, u"64"_s},
                                target,
                                {},
                                {}});
    }
    RemoteRecord record(const QString& id) const {
        return readRemoteRecord(root_.filePath(id).toStdString());
    }
    static QString demo() { return QStringLiteral(CALDERA_SOURCE_DIR "/resources/demo-model"); }

    QSet<QString> stages_;
};

TEST_F(RemoteSetUpTest, InstallsTheWorkerThatTheTargetBrings) {
    Target target = server_.target();
    target.worker = u"/nowhere/caldera"_s; // a bundle counts before it
    target.bundle = packSmallBundle(server_.folder(), u"worker"_s).archive;
    const QString id = measure(target, demo());
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_TRUE(record(id).target.worker.startsWith(target.folder + "/.workers/"_L1))
        << record(id).target.worker.toStdString();
    EXPECT_TRUE(fs::exists(root_.filePath(id + "/out/fidelity.h5"_L1).toStdString()));

    target.bundle = u"/nowhere/worker.tar.gz"_s;
    const QString without = measure(target, demo());
    ASSERT_TRUE(reaches(without, u"failed"_s));
    EXPECT_EQ(service_->job(without).code, u"remote.bundle"_s);
}

TEST_F(RemoteSetUpTest, TheHostFetchesItsModelOnceFromTheHub) {
    auto hub = std::make_unique<caldera::test::FakeHub>(demo().toStdString(), "Owner/demo", kToken);
    hub->breakNext("model.safetensors");
    service_->pods().setHub({QString::fromStdString(hub->url()), "another"});
    const QString refused = measure(server_.target(), u"Owner/demo"_s);
    ASSERT_TRUE(reaches(refused, u"failed"_s));
    EXPECT_TRUE(service_->job(refused).message.contains(u"HF_TOKEN"_s));

    service_->pods().setHub({QString::fromStdString(hub->url()), kToken});
    service_->resume(refused);
    ASSERT_TRUE(reaches(refused, u"done"_s));
    EXPECT_TRUE(stages_.contains(u"fetch-model"_s));
    EXPECT_EQ(hub->sent(), fs::file_size(demo().toStdString() + "/model.safetensors"))
        << "what had come is not fetched twice";

    hub.reset(); // what is there is not asked for: nodes of clusters reach no hub
    ASSERT_TRUE(reaches(measure(server_.target(), u"Owner/demo"_s), u"done"_s));
}

TEST_F(RemoteSetUpTest, BringsTheOutlineOfAModelHome) {
    const ModelElsewhere model{server_.target(), demo(), {}};
    const FetchedOutline outline = fetchOutline(model, [](qint64, qint64) {}, {});
    const auto opened = openModel(outline.folder.toStdString());
    EXPECT_EQ(opened->fingerprint, openModel(demo().toStdString())->fingerprint);
    EXPECT_EQ(outline.fingerprint.toStdString(), opened->fingerprint);
    EXPECT_EQ(fetchOutline(model, [](qint64, qint64) {}, {}).folder, outline.folder);
    EXPECT_TRUE(QDir(server_.target().folder).entryList({u"check-*"_s}).isEmpty());
    EXPECT_EQ(
        caldera::test::codeOf([&] {
            fetchOutline({server_.target(), u"/nowhere/model"_s, {}}, [](qint64, qint64) {}, {});
        }),
        "remote.outline");
}

} // namespace
} // namespace caldera::studio
