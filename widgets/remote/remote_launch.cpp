#include "widgets/remote/remote_launch.h"

#include "widgets/remote/slurm.h"
#include "widgets/remote/ssh_session.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

void launchRemotely(const RemotePlace& place, const QStringList& arguments, bool again,
                    const std::stop_token& stop) {
    if (place.target.kind == TargetKind::Slurm) {
        submitToSlurm(place, arguments, again, stop);
        return;
    }
    const QString once = again ? QString() : u" --new"_s;
    place.session.require(place.worker + " job start"_L1 + once + u' ' + shellWord(place.folder),
                          "remote.start", stop);
}

void steerRemotely(const RemotePlace& place, const QString& word, const std::stop_token& stop) {
    if (place.target.kind == TargetKind::Slurm) {
        steerSlurm(place, word, stop);
    }
    place.session.require(place.worker + " job "_L1 + word + u' ' + shellWord(place.folder),
                          "remote.control", stop);
}

} // namespace caldera::studio
