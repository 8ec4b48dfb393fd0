#include "widgets/remote/worker_bundle.h"

#include <QCoreApplication>
#include <QCryptographicHash>
#include <QFile>
#include <QFileInfo>
#include <QJsonDocument>
#include <QJsonObject>
#include <QRegularExpression>

#include "core/base/error.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr qint64 kLongestNote = 4096;

QString tr(const char* text) {
    return QCoreApplication::translate("WorkerBundle", text);
}

[[noreturn]] void fail(const QString& sentence) {
    throw Error("remote.bundle", sentence.toStdString());
}

/// The hash that the note beside an archive tells; empty when there is none.
QString notedHash(const QString& note) {
    static const QRegularExpression hash(u"^[0-9a-f]{64}\\b"_s);
    QFile file(note);
    if (!file.open(QIODevice::ReadOnly)) {
        return {};
    }
    return hash.match(QString::fromLatin1(file.read(kLongestNote))).captured();
}

QString hashOf(const QString& archive) {
    QFile file(archive);
    QCryptographicHash hash(QCryptographicHash::Sha256);
    if (!file.open(QIODevice::ReadOnly) || !hash.addData(&file)) {
        fail(tr("The worker bundle %1 cannot be read. Choose it again, for machines under Run, "
                "Machines…, for pods under Run, Rented pods…")
                 .arg(archive));
    }
    return QString::fromLatin1(hash.result().toHex());
}

/// What the description beside the archive says of CUDA; nothing where there is none.
QString notedCuda(const QString& archive) {
    QString file = archive;
    QFile note(file.replace(".tar.gz"_L1, ".json"_L1));
    if (file == archive || !note.open(QIODevice::ReadOnly)) {
        return {};
    }
    return QJsonDocument::fromJson(note.read(kLongestNote)).object()["cuda"_L1].toString();
}

} // namespace

WorkerBundle readWorkerBundle(const QString& file, const QString& url) {
    constexpr auto kNote = ".sha256"_L1;
    if (file.isEmpty()) {
        fail(tr("There is no worker for pods yet. Choose its bundle under Run, Rented pods…"));
    }
    WorkerBundle bundle;
    bundle.url = url;
    const bool isNote = file.endsWith(kNote);
    const QString archive = isNote ? file.chopped(kNote.size()) : file;
    if (QFileInfo(archive).isFile()) {
        bundle.archive = archive;
    }
    bundle.cuda = notedCuda(archive);
    bundle.sha256 = notedHash(archive + kNote);
    if (bundle.sha256.isEmpty() && isNote) {
        fail(
            tr("%1 holds no SHA-256. Choose the archive itself, or the file that was made with it.")
                .arg(file));
    }
    if (bundle.sha256.isEmpty()) {
        bundle.sha256 = hashOf(archive);
    }
    if (bundle.archive.isEmpty() && url.isEmpty()) {
        fail(tr("The archive of %1 is not beside it, and no address is given from which hosts "
                "could fetch it. Choose the archive, or enter its address.")
                 .arg(file));
    }
    return bundle;
}

} // namespace caldera::studio
