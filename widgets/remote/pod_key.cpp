#include "widgets/remote/pod_key.h"

#include <filesystem>

#include <QFile>
#include <QFileInfo>
#include <QtConcurrent>

#include "core/base/error.h"
#include "core/base/file.h"
#include "widgets/remote/process.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr size_t kLongestKey = 4096;

QString publicLine(const QString& file) {
    const std::string text = readTextFile((file + ".pub"_L1).toStdU16String(), kLongestKey);
    return QString::fromStdString(text).trimmed();
}

QString makeKey(const QString& file) {
    const std::filesystem::path path(file.toStdU16String());
    std::filesystem::create_directories(path.parent_path());
    if (QFileInfo::exists(file) && QFileInfo::exists(file + ".pub"_L1)) {
        return publicLine(file);
    }
    QFile::remove(file); // half of a pair is none
    QFile::remove(file + ".pub"_L1);
    const ProcessResult result = runProcess(
        {u"ssh-keygen"_s,
         {u"-q"_s, u"-t"_s, u"ed25519"_s, u"-N"_s, QString(), u"-C"_s, u"caldera"_s, u"-f"_s, file},
         {}},
        {});
    if (result.exitCode != 0) {
        throw Error("pod.login-key", "No key for the login could be made in " + file.toStdString() +
                                         ": " + lastLine(result.err).toStdString() + ".");
    }
    return publicLine(file);
}

} // namespace

QFuture<QString> makePodKey(const QString& file) {
    return QtConcurrent::run([file] { return makeKey(file); });
}

void forgetPodKey(const QString& file) {
    (void)QtConcurrent::run([file] {
        QFile::remove(file);
        QFile::remove(file + ".pub"_L1);
    });
}

} // namespace caldera::studio
