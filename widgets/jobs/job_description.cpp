#include "widgets/jobs/job_description.h"

#include <QDir>

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

QDateTime parseTime(const std::string& text) {
    return QDateTime::fromString(QString::fromStdString(text), Qt::ISODateWithMs);
}

} // namespace

QString toText(const std::filesystem::path& path) {
    return QString::fromStdU16String(path.u16string());
}

bool hasEnded(const QString& phase) {
    return isOver(phase) || phase == "lost"_L1;
}

bool isOver(const QString& phase) {
    return phase == "done"_L1 || phase == "cancelled"_L1 || phase == "failed"_L1;
}

void describe(JobSummary& summary, const JobSpec& spec, const JobFolder& folder) {
    summary.id = toText(folder.path().filename());
    summary.kind = QString::fromStdString(spec.kind);
    summary.title = QString::fromStdString(spec.title);
    summary.created = parseTime(spec.created);
    summary.folder = toText(folder.path());
    summary.outFolder = toText(folder.out());
    summary.arguments.clear();
    for (const std::string& argument : spec.arguments)
        summary.arguments.append(QString::fromStdString(argument));
}

void describe(JobSummary& summary, const JobState& state, const std::string& phase) {
    summary.phase = QString::fromStdString(phase);
    summary.stage = QString::fromStdString(state.stage);
    summary.fraction = qBound(0.0, state.fraction, 1.0);
    summary.etaSeconds = hasEnded(summary.phase) ? -1 : state.etaSeconds;
    summary.message = QString::fromStdString(state.message);
    summary.code = QString::fromStdString(state.code);
    const bool isTried = summary.phase == "lost"_L1 && state.etaSeconds >= 0;
    summary.retryAt =
        isTried ? parseTime(state.updated).addMSecs(static_cast<qint64>(state.etaSeconds * 1000))
                : QDateTime();
}

void describe(JobSummary& summary, const RemoteRecord& record) {
    summary.host = record.target.name;
    summary.hostFolder = record.folder;
    summary.model = record.model;
    summary.isOnPod = record.target.kind == TargetKind::Pod;
}

void describeRequests(JobSummary& summary, const JobFolder& folder, bool isConnecting) {
    summary.isCancelling = !isOver(summary.phase) && folder.cancelRequested();
    if (!isConnecting || isOver(summary.phase) || summary.phase == "queued"_L1 ||
        summary.phase == "preparing"_L1)
        return;
    summary.phase = u"connecting"_s;
    summary.message.clear();
    summary.code.clear();
    summary.etaSeconds = -1;
    summary.retryAt = {};
}

QJsonObject broughtHome(QJsonObject event, const JobSummary& job) {
    if (job.host.isEmpty() || !event.contains("path"_L1))
        return event;
    const QString there = QDir::cleanPath(job.hostFolder) + u'/';
    const QString path = QDir::cleanPath(event.value("path"_L1).toString());
    // A file of this machine that happens to be called so is none of the job's.
    event["path"_L1] =
        path.startsWith(there) ? job.folder + u'/' + path.mid(there.size()) : QString();
    return event;
}

} // namespace caldera::studio
