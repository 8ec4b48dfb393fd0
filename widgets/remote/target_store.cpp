#include "widgets/remote/target_store.h"

#include <algorithm>

#include <QDir>
#include <QFile>

#include "core/base/error.h"
#include "core/base/file.h"
#include "widgets/remote/ssh_config.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

struct TargetStore::Found {
    QList<Target> targets;
    QStringList complaints;
};

TargetStore::TargetStore(QString folder, QObject* parent)
    : QObject(parent), folder_(std::move(folder)) {
    pool_.setMaxThreadCount(1);
    load();
}

TargetStore::~TargetStore() {
    pool_.waitForDone(); // what was saved last is written
}

std::optional<Target> TargetStore::find(const QString& name) const {
    const auto found = std::find_if(targets_.begin(), targets_.end(),
                                    [&name](const Target& target) { return target.name == name; });
    return found == targets_.end() ? std::nullopt : std::optional(*found);
}

/// Names may hold anything; names of files may not.
QString TargetStore::fileOf(const QString& name) const {
    return folder_ + u'/' + QString::fromLatin1(name.toUtf8().toPercentEncoding(" ", ".")) +
           ".yaml"_L1;
}

void TargetStore::inBackground(std::function<void()> work) {
    pool_.start([this, work = std::move(work)] {
        try {
            work();
        } catch (const std::exception& error) {
            Q_EMIT failed(QString::fromUtf8(error.what()));
        }
    });
}

void TargetStore::load() {
    inBackground([this] {
        Found found;
        const QDir folder(folder_);
        for (const QString& name : folder.entryList({u"*.yaml"_s}, QDir::Files)) {
            try {
                QFile file(folder.filePath(name));
                const QByteArray text = file.open(QIODevice::ReadOnly) ? file.readAll() : "";
                found.targets.append(targetFromYaml(text, file.fileName()));
            } catch (const Error& error) {
                found.complaints.append(QString::fromUtf8(error.what()));
            }
        }
        QMetaObject::invokeMethod(this, [this, found] {
            targets_ += found.targets;
            std::sort(targets_.begin(), targets_.end(), [](const Target& a, const Target& b) {
                return QString::localeAwareCompare(a.name, b.name) < 0;
            });
            ready_ = true;
            Q_EMIT changed();
            for (const QString& sentence : found.complaints) {
                Q_EMIT failed(sentence);
            }
        });
    });
}

void TargetStore::save(const Target& target, const QString& before) {
    targets_.removeIf([&](const Target& other) {
        return other.name == target.name || (!before.isEmpty() && other.name == before);
    });
    const auto place = std::find_if(targets_.begin(), targets_.end(), [&](const Target& other) {
        return QString::localeAwareCompare(other.name, target.name) > 0;
    });
    targets_.insert(place, target);
    const QString old = before.isEmpty() || before == target.name ? QString() : fileOf(before);
    inBackground([folder = folder_, file = fileOf(target.name), old, text = targetToYaml(target)] {
        QDir().mkpath(folder);
        writeFileAtomically(file.toStdString(), text.toStdString());
        if (!old.isEmpty()) {
            QFile::remove(old);
        }
    });
    Q_EMIT changed();
}

void TargetStore::remove(const QString& name) {
    if (targets_.removeIf([&name](const Target& other) { return other.name == name; }) == 0) {
        return;
    }
    inBackground([file = fileOf(name)] {
        QFile target(file);
        if (target.exists() && !target.remove()) {
            throw Error("remote.target", file.toStdString() + " could not be removed: " +
                                             target.errorString().toStdString() + ".");
        }
    });
    Q_EMIT changed();
}

QString targetComplaint(const Target& target) {
    if (target.name.trimmed().isEmpty()) {
        return TargetStore::tr("A name is missing.");
    }
    if (!target.folder.startsWith(u'/') && !target.folder.startsWith("~/"_L1)) {
        return TargetStore::tr("The folder for jobs must be absolute, or begin with ~/.");
    }
    try {
        checkEndpoint(target.ssh);
    } catch (const Error& error) {
        return QString::fromUtf8(error.what());
    }
    return {};
}

} // namespace caldera::studio
