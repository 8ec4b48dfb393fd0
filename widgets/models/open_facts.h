// What is open, as values that cross threads: a model or an artifact, and measured metrics.
#pragma once

#include <QString>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/model/config.h"
#include "core/model/weight_source.h"
#include "core/plan/plan.h"
#include "core/report/report_subject.h"
#include "widgets/models/cell_surprise.h"
#include "widgets/models/color_scale.h"
#include "widgets/support/failure.h"

namespace caldera::studio {

enum class OpenKind { Model, Artifact };

/// Facts about an opened model or artifact; no handle to its files stays open.
struct OpenFacts {
    OpenKind kind = OpenKind::Model;
    QString name;
    QString path; ///< absolute
    ModelConfig config;
    QString fingerprint; ///< of the model (for an artifact: of the model it was made from)
    QString chatFormat;  ///< "chatml", ...
    int tokenCount = 0;  ///< tokens the tokenizer knows
    std::vector<TensorInfo> tensors; ///< as stored; of an artifact its matrices
    int64_t fileBytes = 0;
    Plan plan;                ///< the artifact's own, or the default plan of the model
    QString artifactHash;     ///< empty for a model
    double bitsPerWeight = 0; ///< of an artifact
    QString dtypes;           ///< as stored, most frequent first: "BF16, F32"
};

/// What opening a path gave. A report may come alone.
struct OpenResult {
    QString reportFile;     ///< of a report that comes alone
    ReportSubject measured; ///< what that report says that it tells of
    std::shared_ptr<const OpenFacts> facts;
    std::shared_ptr<const Report> report;   ///< of the artifact, or opened by itself
    std::shared_ptr<const Report> fidelity; ///< measured before compressing
    std::shared_ptr<const Report> blame;    ///< which cells moved a token
    std::vector<EvaluationRecord> evaluations;
    /// Reports that belong to it and cannot be read, or tell of another model: left out.
    std::vector<Failure> unread;
};

/// Opens a model (folder, .gguf, hub name), an artifact folder or a report (.h5) and looks for the
/// reports that belong to it. Reads files: never on the GUI thread. Throws Error.
OpenResult openAnything(const QString& path);
/// Reads one report and sorts its contents: cells of a compression, fidelity, evaluations.
OpenResult openReportFile(const QString& path);
/// The model that measurements have to be of.
ReportSubject subjectOf(const OpenFacts& facts);
/// Throws Error("report.model") unless evaluations or blame from `file` are of what is open: of an
/// artifact itself, not of the model that it was made from.
void requireOfResult(const OpenFacts& facts, const ReportSubject& measured, const QString& file);
/// Throws Error("report.model") unless the report from `file` is of the compression that made what
/// is open; older ones only say of which model.
void requireMadeBy(const OpenFacts& facts, const Report& report, const QString& file);
/// Where the fidelity report of a model is kept between sessions. Its folder exists.
QString fidelityFile(const QString& fingerprint);
/// Where evaluations of an artifact are kept, since the artifact itself is sealed.
QString evaluationFile(const QString& artifactHash);
/// Where the last blame of an artifact goes. Its folder exists.
QString blameFile(const QString& artifactHash);

/// Errors of another run over those of what is open.
inline constexpr QLatin1String kComparedMetric("compared");

/// One way to colour the heatmap.
struct MetricLayer {
    QString id;    ///< "error", "live", kComparedMetric, or the name of a fidelity metric
    QString title; ///< for people
    QString kind;  ///< "measured": how the figures came about, for people
    ColorScale::Kind scale = ColorScale::Kind::Linear; ///< that suits the metric
    std::map<Cell, double> values;
    std::map<Cell, CellSurprise> surprises = {}; ///< of a job at work
    QString unit = {};                           ///< "nats"; empty: plain numbers
};

} // namespace caldera::studio
