#include "widgets/remote/outline_fetch.h"

#include <filesystem>

#include <QJsonDocument>
#include <QJsonObject>
#include <QRegularExpression>
#include <QTemporaryDir>

#include "core/base/error.h"
#include "core/base/paths.h"
#include "core/model/outline.h"
#include "widgets/remote/folder_there.h"
#include "widgets/remote/remote_host.h"
#include "widgets/remote/ssh_session.h"
#include "widgets/remote/verified_fetch.h"
#include "widgets/remote/worker_install.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

namespace fs = std::filesystem;

/// A name that can be one of a folder, and the beginning of the fingerprint, which tells models of
/// the same name apart.
QString folderName(const Model& model) {
    constexpr qsizetype kLongest = 100;
    static const QRegularExpression strange(u"[^A-Za-z0-9._-]"_s);
    QString name = QString::fromStdString(model.name).left(kLongest);
    name.replace(strange, u"_"_s);
    return name + u'-' + QString::fromStdString(model.fingerprint).left(12);
}

/// Puts the outline where outlines are kept; one that is there already is the same.
FetchedOutline keepOutline(const fs::path& fetched) {
    const auto outline = openOutline(fetched);
    const QString kept = outlinesFolder() + u'/' + folderName(*outline);
    const fs::path place = kept.toStdString();
    if (!isOutline(place)) {
        fs::remove_all(place); // what is left of an interrupted one
        fs::rename(fetched, place);
    }
    return {kept, QString::fromStdString(outline->fingerprint)};
}

} // namespace

QString outlinesFolder() {
    return QString::fromStdString((stateFolder() / "outlines").string());
}

bool isKeptOutline(const QString& path) {
    return path.startsWith(outlinesFolder() + u'/');
}

FetchedOutline fetchOutline(const ModelElsewhere& model,
                            const std::function<void(qint64, qint64)>& tell,
                            const std::stop_token& stop) {
    Target target = model.target;
    SshSession session(target.ssh);
    session.connect(nullptr, stop);
    const QString worker = endingScripts(session, stop, [&](const HostSetUp& setUp) {
        installBundle(target, setUp, [](double) {});
        const QString command = workerCommand(target, session, stop);
        checkWorker(command, session, stop);
        fetchMissing(setUp, {model.place, command, hubCacheOf(session, stop), model.hub}, tell);
        return command;
    });
    const FolderThere there(session, expandHome(target.folder, session, stop), stop);
    session.require(worker + " info --outline "_L1 + shellWord(there.path()) + u' ' +
                        shellWord(model.place),
                    "remote.outline", stop);
    fs::create_directories(outlinesFolder().toStdString());
    const QTemporaryDir here(outlinesFolder() + "/fetch-XXXXXX"_L1);
    const fs::path fetched = (here.path() + "/outline"_L1).toStdString();
    VerifiedFetch{session, there.path(), fetched}.run(stop);
    return keepOutline(fetched);
}

} // namespace caldera::studio
