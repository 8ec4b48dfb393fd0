#include "widgets/remote/remote_revision.h"

#include "core/base/hash.h"
#include "core/job/revision.h"
#include "widgets/remote/slurm.h"
#include "widgets/remote/ssh_session.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

QString planHash(const JobFolder& folder) {
    const auto plan = folder.spec().kind == "compress" ? revisedPlan(folder) : std::nullopt;
    return plan ? QString::fromStdString(sha256Hex(*plan)) : QString();
}

void RemoteRevision::forward(const RemotePlace& place, const QStringList& arguments,
                             const std::stop_token& stop) {
    std::error_code error;
    const auto written = std::filesystem::last_write_time(revisedPlanFile(folder_), error);
    if (error || written == seen_) {
        return;
    }
    const QString hash = planHash(folder_);
    if (hash.isEmpty() || hash == record_.plan) {
        seen_ = written;
        return;
    }
    const QString file = shellWord(place.folder + "/revised.yaml"_L1);
    place.session.require("cat > "_L1 + file, "remote.folder", stop,
                          QByteArray::fromStdString(revisedPlan(folder_).value_or("")));
    const ProcessResult result = place.session.run(
        place.worker + " job revise --no-wait --plan "_L1 + file + u' ' + shellWord(place.folder),
        stop);
    if (result.exitCode == 0 && place.target.kind == TargetKind::Slurm) {
        resubmitParts(place, arguments, stop);
    }
    record_.plan = hash;
    writeRemoteRecord(folder_.path(), record_);
    seen_ = written;
}

} // namespace caldera::studio
