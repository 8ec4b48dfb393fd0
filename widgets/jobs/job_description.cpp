#include "widgets/jobs/job_description.h"

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
    return phase == "done"_L1 || phase == "cancelled"_L1 || phase == "failed"_L1 ||
           phase == "lost"_L1;
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
}

void describe(JobSummary& summary, const RemoteRecord& record) {
    summary.host = record.target.name;
    summary.hostFolder = record.folder;
    summary.model = record.model;
    summary.isOnPod = record.target.kind == TargetKind::Pod;
}

} // namespace caldera::studio
