#include "widgets/inspect_view/run_summary.h"

#include "widgets/models/session.h"

namespace caldera::studio {

namespace {

ArtifactFacts factsOf(const OpenFacts& facts) {
    return {facts.name.toStdString(),
            facts.artifactHash.toStdString(),
            facts.fingerprint.toStdString(),
            facts.config,
            facts.plan,
            facts.bitsPerWeight,
            facts.fileBytes};
}

/// Curves take a hundred megabytes for a large model, and no page shows them all.
CellReport withoutCurves(const CellReport& cell) {
    CellReport light;
    light.settings = cell.settings;
    light.shape = cell.shape;
    light.relativeError = cell.relativeError;
    light.proxyError = cell.proxyError;
    light.seconds = cell.seconds;
    light.bytes = cell.bytes;
    light.bitsPerWeight = cell.bitsPerWeight;
    return light;
}

} // namespace

Summary summaryOf(const Session& session) {
    Summary summary;
    QString subject = QStringLiteral("REPORT.h5");
    if (session.facts() && session.facts()->kind == OpenKind::Artifact) {
        summary.artifact = factsOf(*session.facts());
        subject = session.facts()->path;
    }
    summary.command =
        QStringLiteral("caldera export \"%1\" --report REPORT.html").arg(subject).toStdString();
    const std::shared_ptr<const Report>& report =
        session.report() ? session.report() : session.fidelity();
    if (report) {
        summary.report.run = report->run;
        summary.report.layerCount = report->layerCount;
        for (const auto& [cell, measured] : report->cells) {
            summary.report.cells[cell] = withoutCurves(measured);
        }
    }
    summary.report.evaluations = session.evaluations();
    return summary;
}

} // namespace caldera::studio
