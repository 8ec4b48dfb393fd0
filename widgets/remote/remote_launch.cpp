#include "widgets/remote/remote_launch.h"

#include "core/job/job_folder.h"
#include "widgets/remote/slurm.h"
#include "widgets/remote/ssh_session.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

QStringList onGpu(QStringList arguments) {
    static const QStringList commands{u"compress"_s, u"fidelity"_s, u"evaluate"_s, u"blame"_s};
    if (commands.contains(arguments.value(0)) && !arguments.contains(u"--device"_s)) {
        arguments += {u"--device"_s, u"cuda"_s};
    }
    return arguments;
}

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

bool isDoneThere(const RemotePlace& place, const std::stop_token& stop) {
    const QString file = place.folder + "/state.json"_L1;
    const ProcessResult result = place.session.run("cat "_L1 + shellWord(file), stop);
    return result.exitCode == 0 &&
           parseState(result.out.toStdString(), file.toStdString()).phase == "done";
}

void steerRemotely(const RemotePlace& place, const QString& word, const std::stop_token& stop) {
    if (place.target.kind == TargetKind::Slurm) {
        steerSlurm(place, word, stop);
    }
    place.session.require(place.worker + " job "_L1 + word + u' ' + shellWord(place.folder),
                          "remote.control", stop);
}

} // namespace caldera::studio
