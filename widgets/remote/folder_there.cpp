#include "widgets/remote/folder_there.h"

#include <exception>

#include <QUuid>

#include "widgets/remote/ssh_session.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

FolderThere::FolderThere(const SshSession& session, const QString& root,
                         const std::stop_token& stop)
    : session_(session),
      path_(root + "/check-"_L1 + QUuid::createUuid().toString(QUuid::WithoutBraces)) {
    session_.require("mkdir -p "_L1 + shellWord(path_), "remote.folder", stop);
}

FolderThere::~FolderThere() {
    try {
        session_.run("rm -rf "_L1 + shellWord(path_), {});
    } catch (const std::exception&) {
        // The connection is gone; the host keeps a small folder.
    }
}

} // namespace caldera::studio
