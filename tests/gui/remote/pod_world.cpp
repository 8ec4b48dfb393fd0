#include "tests/gui/remote/pod_world.h"

#include <csignal>
#include <fstream>
#include <unistd.h>

#include <QDir>
#include <QFile>

#include "core/job/job_folder.h"
#include "tests/gui/remote/small_bundle.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace fs = std::filesystem;

PodWorld::PodWorld(int patience) : patience_(patience), runpod_("rpa_" + newJobId()) {}

PodWorld::~PodWorld() {
    closeStudio();
    for (const qint64 process : processesWith({server_.folder().toUtf8()}))
        ::kill(static_cast<pid_t>(process), SIGKILL);
}

void PodWorld::SetUp() {
    QDir().mkpath(volume());
    const QString authorized = server_.folder() + "/authorized"_L1;
    runpod_.setSsh("127.0.0.1", server_.port(), ::geteuid() == 0 ? "root" : qgetenv("USER").data());
    runpod_.onCreation([authorized](const nlohmann::json& body) {
        // What RunPod's images do with the key before they start sshd.
        std::ofstream(authorized.toStdString(), std::ios::app)
            << body["env"]["PUBLIC_KEY"].get<std::string>() << '\n';
    });
    watch_.api = QString::fromStdString(runpod_.url());
    watch_.key = QByteArray::fromStdString(runpod_.key());
    watch_.every = 0.2;
    watch_.farewell = 2;
    watch_.attendEvery = 1;
    bundle_ = bundle(true);
    openStudio();
}

WorkerBundle PodWorld::bundle(bool plays) {
    return plays ? packSmallBundle(server_.folder(), u"played"_s,
                                   u"CALDERA_WORKER='" FAKE_WORKER "'"_s)
                 : packSmallBundle(server_.folder(), u"real"_s);
}

void PodWorld::closeStudio() {
    studio_.reset();
}

void PodWorld::openStudio() {
    closeStudio();
    studio_ = std::make_unique<PodStudio>(PodStudioPlace{root_.path(), watch_, bundle_});
    ASSERT_TRUE(QTest::qWaitFor([this] { return jobs().ready(); }, patience_));
}

QString PodWorld::play(const QString& scenario) {
    return podJobs().start({u"compress"_s, u"Played"_s, {scenario}, {}, {}, {}}, order());
}

bool PodWorld::reaches(const QString& id, const QString& phase) {
    const bool is = QTest::qWaitFor([&] { return jobs().job(id).phase == phase; }, patience_);
    const JobSummary job = jobs().job(id);
    EXPECT_TRUE(is) << job.phase.toStdString() << ", " << job.stage.toStdString() << ": "
                    << job.message.toStdString();
    return is;
}

bool PodWorld::hasCells(const QString& id, qsizetype count) {
    const bool has =
        QTest::qWaitFor([&] { return jobs().history(id).cells().size() >= count; }, patience_);
    const JobSummary job = jobs().job(id);
    EXPECT_TRUE(has) << job.phase.toStdString() << ", " << job.stage.toStdString() << ": "
                     << job.message.toStdString();
    return has;
}

bool PodWorld::podsAreGone() {
    return QTest::qWaitFor([this] { return runpod_.pods().empty(); }, patience_);
}

void PodWorld::expectFailure(const QString& id, const QString& word) {
    ASSERT_TRUE(reaches(id, u"failed"_s));
    EXPECT_TRUE(message(id).contains(word)) << message(id).toStdString();
    EXPECT_TRUE(podsAreGone());
}

fs::path PodWorld::here(const QString& id) const {
    return fs::path(root_.path().toStdString()) / "jobs" / id.toStdString();
}

fs::path PodWorld::there(const QString& id) const {
    return fs::path(volume().toStdString()) / "caldera-jobs" / id.toStdString();
}

void PodWorld::go(const QString& id) const {
    std::ofstream(there(id) / "go") << "go";
}

QList<qint64> PodWorld::watchdogs(const QString& id) const {
    return processesWith({"watch-pod", id.toUtf8(), "--budget"});
}

void PodWorld::destroyMachine(const QString& id) {
    for (const QByteArrayList& words :
         {QByteArrayList{"watch-pod", id.toUtf8()}, QByteArrayList{"--job", id.toUtf8()}}) {
        for (const qint64 process : processesWith(words))
            ::kill(static_cast<pid_t>(process), SIGKILL);
    }
    server_.dropSessions();
}

} // namespace caldera::studio
