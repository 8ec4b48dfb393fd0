// What a host gets before its first job, where nothing of ours is: the worker, and the model.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <thread>

#include <QDir>
#include <QProcess>
#include <QSet>

#include <gmock/gmock.h>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/model/model.h"
#include "tests/gui/remote/remote_service.h"
#include "tests/gui/remote/small_bundle.h"
#include "tests/support/code_of.h"
#include "tests/support/fake_hub.h"
#include "widgets/remote/outline_fetch.h"
#include "widgets/remote/remote_record.h"
#include "widgets/remote/ssh_session.h"
#include "widgets/remote/worker_install.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

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

TEST_F(RemoteSetUpTest, ACancelEndsTheDownloadThere) {
    caldera::test::FakeHub hub(demo().toStdString(), "Owner/demo", kToken);
    hub.holdNext("model.safetensors");
    service_->pods().setHub({QString::fromStdString(hub.url()), kToken});
    const QString id = measure(server_.target(), u"Owner/demo"_s);
    const QByteArray address = QByteArray::fromStdString(hub.url());
    const fs::path part = server_.folder().toStdString() +
                          "/cache/huggingface/hub/models--Owner--demo/snapshots/" +
                          std::string(40, 'c') + "/model.safetensors.part";
    const auto whole = fs::file_size(demo().toStdString() + "/model.safetensors");
    constexpr size_t kHeldBack = 1 << 16; // by whoever writes it
    ASSERT_TRUE(QTest::qWaitFor(
        [&] {
            std::error_code missing;
            const auto size = fs::file_size(part, missing);
            return !missing && size + kHeldBack > whole / 2;
        },
        kPatience));
    server_.dropSessions(); // a download of an earlier connection is ended as well
    EXPECT_FALSE(processesWith({"curl", address}).isEmpty()) << "it goes on by itself";
    service_->cancel(id);
    ASSERT_TRUE(reaches(id, u"cancelled"_s));
    EXPECT_TRUE(QTest::qWaitFor([&] { return processesWith({address}).isEmpty(); }, kPatience))
        << "something is left on the host";
    EXPECT_TRUE(fs::exists(part));
    hub.release();

    service_->resume(id);
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_LT(hub.sent(), whole + kHeldBack) << "what had come is not fetched twice";
    for (const auto& entry : fs::directory_iterator(demo().toStdString())) {
        const bool isRead = entry.path().extension() == ".json"; // the last that the hub lists, too
        EXPECT_TRUE(!isRead || fs::exists(part.parent_path() / entry.path().filename()))
            << entry.path();
    }
}

/// Installs bundles over a session, and knows whether an archive was sent.
class WorkerInstallTest : public ::testing::Test {
protected:
    WorkerInstallTest() : session_(server_.target().ssh) { session_.connect(nullptr, {}); }
    QString install(const WorkerBundle& bundle) {
        wasSent_ = false;
        return installWorker({session_, u"somebody"_s, {}}, bundle, folder(),
                             [this](double) { wasSent_ = true; });
    }
    QString folder() const { return server_.folder() + "/workers"_L1; }
    /// Where the bundle's archive is sent to.
    fs::path archive(const WorkerBundle& bundle) const {
        return (folder() + u'/' + bundle.sha256 + ".tar.gz"_L1).toStdString();
    }

    LoopbackSshd server_;
    SshSession session_;
    bool wasSent_ = false;
};

TEST_F(WorkerInstallTest, AFailureThatNoArchiveMendsSendsNone) {
    const WorkerBundle broken = packSmallBundle(server_.folder(), u"broken"_s, u"exit 1;"_s);
    EXPECT_EQ(caldera::test::codeOf([&] { install(broken); }), "remote.install");
    EXPECT_TRUE(wasSent_);
    EXPECT_TRUE(fs::exists(archive(broken)));
    EXPECT_EQ(caldera::test::codeOf([&] { install(broken); }), "remote.install");
    EXPECT_FALSE(wasSent_) << "it is there, and whole";
}

TEST_F(WorkerInstallTest, WhatCameDamagedIsMended) {
    const WorkerBundle bundle = packSmallBundle(server_.folder(), u"worker"_s);
    fs::create_directories(folder().toStdString());
    fs::copy_file(bundle.archive.toStdString(), archive(bundle));
    std::fstream(archive(bundle), std::ios::in | std::ios::out) << "no gzip";
    fs::last_write_time(archive(bundle), fs::last_write_time(bundle.archive.toStdString()));
    const QString program = install(bundle);
    EXPECT_TRUE(wasSent_);
    EXPECT_TRUE(fs::exists(program.toStdString()));
    EXPECT_FALSE(fs::exists(archive(bundle))) << "it is not needed any more";
}

/// A file system of one megabyte.
class SmallDisk {
public:
    explicit SmallDisk(const QString& folder) : folder_(folder) {
        fs::create_directories(folder.toStdString());
        isThere_ = QProcess::execute(u"mount"_s, {u"-t"_s, u"tmpfs"_s, u"-o"_s, u"size=1m"_s,
                                                  u"tmpfs"_s, folder}) == 0;
    }
    ~SmallDisk() {
        if (isThere_) {
            QProcess::execute(u"umount"_s, {u"-l"_s, folder_}); // a session may still be there
        }
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    bool isThere() const { return isThere_; }

private:
    QString folder_;
    bool isThere_ = false;
};

/// What the installation of a bundle says for which a disk of one megabyte has no room.
class FullDiskTest : public WorkerInstallTest {
protected:
    void SetUp() override {
        if (!disk_.isThere())
            GTEST_SKIP() << "file systems can be mounted by root alone";
    }
    std::string refusal(const WorkerBundle& bundle) {
        try {
            install(bundle);
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), "remote.install");
            return error.what();
        }
        return "it was installed";
    }
    WorkerBundle bundleOf(const char* name) {
        const fs::path file = server_.folder().toStdString() / fs::path(name);
        return {QString::fromStdString(sha256Hex(readTextFile(file))),
                {},
                QString::fromStdString(file)};
    }
    /// What the disk tells to be full of.
    static constexpr int64_t kTooMuch = 3 << 20;

    const SmallDisk disk_{folder()};
};

TEST_F(FullDiskTest, AnArchiveThatHasNoRoomIsNoBrokenConnection) {
    std::string noise;
    std::mt19937 random(1);
    std::generate_n(std::back_inserter(noise), kTooMuch,
                    [&] { return static_cast<char>(random()); });
    std::ofstream(server_.folder().toStdString() + "/large.tar.gz", std::ios::binary) << noise;
    const WorkerBundle bundle = bundleOf("large.tar.gz");
    const std::string words = refusal(bundle);
    // Its words are lost where the receiving rsync ends before they are forwarded.
    EXPECT_THAT(words, AnyOf(HasSubstr("No space left on device"), HasSubstr("exit code 11")));
    EXPECT_THAT(words, HasSubstr("3.15 MB packed"));
    EXPECT_THAT(words, HasSubstr("1.05 MB are free"));
    EXPECT_TRUE(wasSent_);
    EXPECT_FALSE(fs::exists(archive(bundle)) ||
                 fs::exists(archive(bundle).parent_path() / ".partial"))
        << "a full disk keeps nothing of it";
}

TEST_F(FullDiskTest, ABundleThatHasNoRoomUnpackedIsNamedSo) {
    const fs::path folder = server_.folder().toStdString();
    fs::create_directories(folder / "caldera-worker");
    std::ofstream(folder / "caldera-worker/zeros") << std::string(kTooMuch, '\0');
    ASSERT_EQ(
        QProcess::execute(u"tar"_s, {u"-C"_s, server_.folder(), u"-czf"_s,
                                     server_.folder() + "/zeros.tar.gz"_L1, u"caldera-worker"_s}),
        0);
    const std::string words = refusal(bundleOf("zeros.tar.gz"));
    EXPECT_THAT(words, HasSubstr("could not be unpacked"));
    EXPECT_THAT(words, HasSubstr("MB are free"));
    EXPECT_THAT(words, Not(HasSubstr("make_bundle")));
}

TEST_F(WorkerInstallTest, WhatIsInstalledAndDamagedIsInstalledAnew) {
    const WorkerBundle bundle = packSmallBundle(server_.folder(), u"worker"_s);
    const fs::path program = install(bundle).toStdString();
    std::ofstream(program, std::ios::app) << "damaged\n";
    EXPECT_EQ(install(bundle).toStdString(), program.string());
    EXPECT_TRUE(wasSent_);
    EXPECT_EQ(readTextFile(program).find("damaged"), std::string::npos);
    install(bundle);
    EXPECT_FALSE(wasSent_) << "what is whole is used";
}

TEST_F(WorkerInstallTest, OneInstallationWaitsForAnother) {
    // The first one is at its check when the second begins.
    const WorkerBundle bundle = packSmallBundle(
        server_.folder(), u"worker"_s,
        u"test ! -e '%1/hold' || { : >'%1/held'; while test -e '%1/hold'; do sleep 0.1; done; };"_s
            .arg(server_.folder()));
    const auto file = [this](const char* name) {
        return fs::path(server_.folder().toStdString()) / name;
    };
    std::ofstream(file("hold")) << "x";
    QString first;
    std::thread one([&] { first = install(bundle); });
    EXPECT_TRUE(QTest::qWaitFor([&] { return fs::exists(file("held")); }, kPatience));
    SshSession session(server_.target().ssh);
    session.connect(nullptr, {});
    std::atomic<bool> isOver = false;
    bool wasSentTwice = false;
    QString second;
    std::thread two([&] {
        second = installWorker({session, u"another"_s, {}}, bundle, folder(),
                               [&](double) { wasSentTwice = true; });
        isOver = true;
    });
    EXPECT_TRUE(QTest::qWaitFor(
        [&] { return !processesWith({"--for=another"}).isEmpty() || isOver; }, kPatience));
    EXPECT_FALSE(isOver);
    fs::remove(file("hold"));
    one.join();
    two.join();
    EXPECT_EQ(first, second);
    EXPECT_FALSE(wasSentTwice);
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
