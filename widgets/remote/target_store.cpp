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
    QList<std::pair<Target, QString>> targets; ///< with their files
    QStringList complaints;
};

namespace {
constexpr qint64 kMostBytes = 1 << 17; // more than a target may have
}

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
    if (files_.contains(name)) {
        return files_.value(name);
    }
    const QString encoded = QString::fromLatin1(name.toUtf8().toPercentEncoding(" ", "."));
    QString file = folder_ + u'/' + encoded + ".yaml"_L1;
    const QStringList taken = files_.values(); // perhaps by a target of another name
    for (int number = 2; taken.contains(file); ++number) {
        file = u"%1/%2-%3.yaml"_s.arg(folder_, encoded).arg(number);
    }
    return file;
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
                const QByteArray text = file.open(QIODevice::ReadOnly) ? file.read(kMostBytes) : "";
                found.targets.append({targetFromYaml(text, file.fileName()), file.fileName()});
            } catch (const Error& error) {
                found.complaints.append(QString::fromUtf8(error.what()));
            }
        }
        QMetaObject::invokeMethod(this, [this, found] { take(found); });
    });
}

void TargetStore::take(const Found& found) {
    QStringList complaints = found.complaints;
    for (const auto& [target, file] : found.targets) {
        if (files_.contains(target.name)) {
            complaints.append(tr("%1 and %2 both describe \"%3\"; the second is left out. Give it "
                                 "another name, or remove it.")
                                  .arg(files_.value(target.name), file, target.name));
        } else {
            files_.insert(target.name, file);
            targets_.append(target);
        }
    }
    std::sort(targets_.begin(), targets_.end(), [](const Target& a, const Target& b) {
        return QString::localeAwareCompare(a.name, b.name) < 0;
    });
    ready_ = true;
    Q_EMIT changed();
    for (const QString& sentence : complaints) {
        Q_EMIT failed(sentence);
    }
}

void TargetStore::save(const Target& target, const QString& before) {
    targets_.removeIf([&](const Target& other) {
        return other.name == target.name || (!before.isEmpty() && other.name == before);
    });
    const auto place = std::find_if(targets_.begin(), targets_.end(), [&](const Target& other) {
        return QString::localeAwareCompare(other.name, target.name) > 0;
    });
    targets_.insert(place, target);
    const bool isRenamed = !before.isEmpty() && before != target.name;
    const QString old = isRenamed ? fileOf(before) : QString();
    const QString file = fileOf(target.name);
    files_.remove(isRenamed ? before : QString());
    files_.insert(target.name, file);
    inBackground([folder = folder_, file, old, text = targetToYaml(target)] {
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
    const QString path = fileOf(name);
    files_.remove(name);
    inBackground([path] {
        QFile target(path);
        if (target.exists() && !target.remove()) {
            throw Error("remote.target", path.toStdString() + " could not be removed: " +
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
