// What an attacker finds who reads every file and every process of this machine and of the pod.
#include <atomic>
#include <filesystem>
#include <thread>

#include <QDirIterator>

#include "core/job/job_folder.h"
#include "tests/gui/remote/pod_world.h"
#include "tests/support/fake_hub.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kPatience = 120'000;

bool fileHolds(const QString& path, const QByteArray& secret) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) && file.readAll().contains(secret);
}

/// Files below a folder that hold the secret, in their contents or their names.
QStringList filesWith(const QString& folder, const QByteArray& secret) {
    QStringList found;
    QDirIterator all(folder, QDir::Files | QDir::Hidden | QDir::System,
                     QDirIterator::Subdirectories);
    while (all.hasNext()) {
        const QString path = all.next();
        if (path.contains(QString::fromUtf8(secret)) ||
            (QFileInfo(path).isFile() && fileHolds(path, secret)))
            found.append(path);
    }
    return found;
}

/// Reads the command lines and environments of all processes, again and again.
class ProcessReader {
public:
    explicit ProcessReader(QByteArray secret)
        : secret_(std::move(secret)), thread_([this](const std::stop_token& stop) {
              while (!stop.stop_requested()) {
                  look();
                  std::this_thread::sleep_for(std::chrono::milliseconds(2));
              }
          }) {}
    /// What was found, and how often was looked.
    QStringList stop() {
        thread_.request_stop();
        thread_.join();
        return found_;
    }
    int looks() const { return looks_; }

private:
    void look() {
        for (const QString& name : QDir(u"/proc"_s).entryList(QDir::Dirs)) {
            for (const QLatin1StringView part : {"cmdline"_L1, "environ"_L1}) {
                const QString path = u"/proc/%1/%2"_s.arg(name, part);
                if (name.toInt() > 0 && fileHolds(path, secret_))
                    found_.append(path + u' ' + fileText(u"/proc/%1/comm"_s.arg(name)));
            }
        }
        ++looks_;
    }
    static QString fileText(const QString& path) {
        QFile file(path);
        return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()).trimmed()
                                              : QString();
    }

    QByteArray secret_;
    QStringList found_;
    std::atomic<int> looks_ = 0;
    std::jthread thread_;
};

class PodSecretTest : public PodWorld {
protected:
    PodSecretTest() : PodWorld(kPatience) {}
    QByteArray secret() const { return QByteArray::fromStdString(runpod_.key()); }
};

} // namespace

TEST_F(PodSecretTest, TheSearchFindsWhatIsThere) {
    QFile file(root_.filePath(u"leak"_s));
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    file.write("key=" + secret());
    file.close();
    EXPECT_EQ(filesWith(root_.path(), secret()).size(), 1);
    ProcessReader processes(secret());
    QProcess leak;
    QProcessEnvironment environment;
    environment.insert(u"KEY"_s, QString::fromUtf8(secret()));
    leak.setProcessEnvironment(environment);
    leak.start(u"/bin/sleep"_s, {u"60"_s});
    ASSERT_TRUE(leak.waitForStarted());
    const int before = processes.looks();
    ASSERT_TRUE(QTest::qWaitFor([&] { return processes.looks() > before + 2; }, kPatience));
    leak.kill();
    leak.waitForFinished();
    EXPECT_FALSE(processes.stop().isEmpty());
}

TEST_F(PodSecretTest, TheKeyIsInMemoryAlone) {
    ProcessReader processes(secret());
    const QString id = play(u"two-parts"_s);
    ASSERT_TRUE(hasCells(id, 20));
    ASSERT_TRUE(QTest::qWaitFor([&] { return !watchdogs(id).isEmpty(); }, kPatience));
    server_.dropSessions(); // and everything is said again
    go(id);
    ASSERT_TRUE(reaches(id, u"done"_s));
    ASSERT_TRUE(podsAreGone());
    ASSERT_TRUE(QTest::qWaitFor([&] { return watchdogs(id).isEmpty(); }, kPatience));
    EXPECT_EQ(processes.stop(), QStringList());
    EXPECT_GT(processes.looks(), 10);
    for (const QString& folder : {root_.path(), server_.folder()})
        EXPECT_EQ(filesWith(folder, secret()), QStringList());
    EXPECT_GT(runpod_.count("GET /v2/pods"), 0); // with the key
}

TEST_F(PodSecretTest, TheHubsTokenIsInMemoryAlone) {
    const QByteArray token = "hf_" + QByteArray::fromStdString(newJobId());
    const test::FakeHub hub(std::filesystem::path(CALDERA_SOURCE_DIR) / "resources/demo-model",
                            "Owner/demo", token.toStdString());
    jobs().pods().setHub({QString::fromStdString(hub.url()), token});
    ProcessReader processes(token);
    const QString id = podJobs().start(
        {u"compress"_s, u"x"_s, {u"cells"_s, u"Owner/demo"_s}, {}, {}, {}}, order());
    ASSERT_TRUE(reaches(id, u"done"_s));
    EXPECT_EQ(processes.stop(), QStringList());
    EXPECT_GT(hub.sent(), 0U); // with the token
    for (const QString& folder : {root_.path(), server_.folder()})
        EXPECT_EQ(filesWith(folder, token), QStringList());
}

} // namespace caldera::studio
