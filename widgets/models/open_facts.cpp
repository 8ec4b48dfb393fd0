#include "widgets/models/open_facts.h"

#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QHash>
#include <QStringList>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "core/artifact/artifact.h"
#include "core/base/error.h"
#include "core/model/chat_template.h"
#include "core/model/model.h"
#include "core/report/join_reports.h"
#include "core/report/kept_reports.h"
#include "core/report/report_subject.h"
#include "widgets/models/stored_matrices.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

QString absolutePath(const std::filesystem::path& path) {
    return QString::fromStdString(std::filesystem::absolute(path).lexically_normal().string());
}

QString fromView(std::string_view text) {
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

/// Distinct tensor types, those with most bytes first.
QString dtypesOf(const std::vector<TensorInfo>& tensors) {
    QHash<QString, uint64_t> bytes;
    for (const TensorInfo& tensor : tensors) {
        bytes[QString::fromStdString(tensor.dtype)] += tensor.bytes;
    }
    QStringList names = bytes.keys();
    std::sort(names.begin(), names.end(), [&bytes](const QString& a, const QString& b) {
        return bytes[a] != bytes[b] ? bytes[a] > bytes[b] : a < b;
    });
    return names.join(u", "_s);
}

std::shared_ptr<const OpenFacts> factsOfModel(const Model& model) {
    auto facts = std::make_shared<OpenFacts>();
    facts->kind = OpenKind::Model;
    facts->name = QString::fromStdString(model.name);
    facts->path = absolutePath(model.path);
    facts->config = model.config;
    facts->fingerprint = QString::fromStdString(model.fingerprint);
    facts->chatFormat = fromView(chatFormatName(model.chat.format));
    facts->tokenCount = model.tokenizer ? model.tokenizer->size() : 0;
    facts->tensors = model.weights->tensors();
    for (const TensorInfo& tensor : facts->tensors) {
        facts->fileBytes += static_cast<int64_t>(tensor.bytes);
    }
    facts->dtypes = dtypesOf(facts->tensors);
    facts->plan = defaultPlan(facts->path.toStdString(), model.config);
    return facts;
}

std::shared_ptr<const OpenFacts> factsOfArtifact(const Artifact& artifact) {
    auto facts = std::make_shared<OpenFacts>();
    facts->kind = OpenKind::Artifact;
    facts->name = QString::fromStdString(artifact.name());
    facts->path = absolutePath(artifact.path());
    facts->config = artifact.config();
    facts->fingerprint = QString::fromStdString(artifact.modelFingerprint());
    facts->chatFormat = fromView(chatFormatName(artifact.chat().format));
    facts->tokenCount = artifact.tokenizer() ? artifact.tokenizer()->size() : 0;
    facts->fileBytes = artifact.fileBytes();
    facts->plan = artifact.plan();
    facts->artifactHash = QString::fromStdString(artifact.hash());
    facts->bitsPerWeight = artifact.bitsPerWeight();
    facts->tensors = storedMatrices(facts->plan, facts->config);
    return facts;
}

/// Older reports do not say what they tell of, and are taken.
void requireSameIfSaid(const ReportSubject& needed, const ReportSubject& told,
                       const QString& file) {
    if (!told.fingerprint.empty()) {
        requireSame(needed, told, file.toStdString(),
                    "Open what it tells of first, or nothing but the report.");
    }
}

/// Contents of a report by what they are: cells of a compression, fidelity, blame, evaluations.
OpenResult sorted(Report contents) {
    const auto report = std::make_shared<const Report>(std::move(contents));
    OpenResult result;
    result.evaluations = report->evaluations;
    if (report->fidelity.size() == 1 && report->fidelity.front().name == kBlameMetric) {
        result.blame = report;
        return result;
    }
    if (!report->fidelity.empty()) {
        result.fidelity = report;
    }
    if (isOfCompression(*report) || (report->fidelity.empty() && report->evaluations.empty())) {
        result.report = report;
    }
    return result;
}

/// Hands the report to `take`, if there is a file; what cannot be taken is told and left out, since
/// nobody is to lose a model to a damaged report. The code of what was told; empty: nothing was.
QString takeReport(OpenResult& result, const QString& file,
                   const std::function<void(Report report)>& take) {
    if (!QFileInfo::exists(file)) {
        return {};
    }
    try {
        take(readReport(file.toStdString()));
        return {};
    } catch (const std::exception& error) {
        result.unread.push_back(describeFailure(error));
        return result.unread.back().code;
    }
}

/// The same of a report that we keep: a damaged one is set aside, since it would stand in the way
/// of the next, which adds to it.
void takeKeptReport(OpenResult& result, const QString& kept,
                    const std::function<void(Report)>& take) {
    const QString code = takeReport(result, kept, take);
    setAsideDamaged(kept.toStdString(), code.toStdString());
}

/// What was measured of the model here, and what came with it; the former counts where both have a
/// metric.
void addFidelity(OpenResult& result) {
    const OpenFacts& facts = *result.facts;
    const ReportSubject model = subjectOf(facts);
    const QDir folder(QString::fromStdString(facts.plan.model));
    std::optional<Report> found;
    const auto takeFrom = [&](const QString& file) {
        return [&found, &model, file](Report report) {
            requireMeasuredOn(model, report, file.toStdString());
            if (found) {
                keepFrom(report, *found);
            } else {
                found = std::move(report);
            }
        };
    };
    const QString kept = fidelityFile(facts.fingerprint);
    takeKeptReport(result, kept, takeFrom(kept));
    const QString cameWith = folder.filePath(u"fidelity.h5"_s);
    takeReport(result, cameWith, takeFrom(cameWith));
    if (found) {
        result.fidelity = std::make_shared<const Report>(std::move(*found));
    }
}

/// The artifact's own report and the evaluations that were kept beside it.
void addArtifactReports(OpenResult& result) {
    takeReport(result, QDir(result.facts->path).filePath(u"report.h5"_s), [&](Report report) {
        const OpenResult found = sorted(std::move(report));
        result.report = found.report;
        result.fidelity = found.fidelity;
        result.evaluations = found.evaluations;
    });
    if (!result.fidelity) {
        addFidelity(result);
    }
    const QString kept = evaluationFile(result.facts->artifactHash);
    takeKeptReport(result, kept, [&](const Report& report) {
        for (const EvaluationRecord& record : report.evaluations) {
            result.evaluations.push_back(record);
        }
    });
}

} // namespace

ReportSubject subjectOf(const OpenFacts& facts) {
    return {facts.name.toStdString(), facts.fingerprint.toStdString(), facts.config.layerCount};
}

void requireOfResult(const OpenFacts& facts, const ReportSubject& measured, const QString& file) {
    ReportSubject needed = subjectOf(facts);
    if (facts.kind == OpenKind::Artifact) {
        needed.fingerprint = facts.artifactHash.toStdString();
    }
    requireSameIfSaid(needed, measured, file);
}

void requireMadeBy(const OpenFacts& facts, const Report& report, const QString& file) {
    if (facts.kind == OpenKind::Artifact && !artifactOf(report).empty()) {
        requireOfResult(facts, resultOf(report), file);
    } else {
        requireSameIfSaid(subjectOf(facts), subjectOf(report), file);
    }
}

QString fidelityFile(const QString& fingerprint) {
    return QString::fromStdString(keptFidelity(fingerprint.toStdString()).string());
}

QString evaluationFile(const QString& artifactHash) {
    return QString::fromStdString(keptEvaluations(artifactHash.toStdString()).string());
}

QString blameFile(const QString& artifactHash) {
    return QString::fromStdString(keptBlame(artifactHash.toStdString()).string());
}

OpenResult openReportFile(const QString& path) {
    Report report = readReport(path.toStdString());
    const ReportSubject measured = subjectOf(report);
    OpenResult result = sorted(std::move(report));
    result.reportFile = path;
    result.measured = measured;
    return result;
}

OpenResult openAnything(const QString& path) {
    const std::filesystem::path file = path.toStdString();
    if (path.endsWith(u".h5")) {
        return openReportFile(path);
    }
    OpenResult result;
    if (isArtifact(file)) {
        result.facts = factsOfArtifact(*Artifact::open(file));
        addArtifactReports(result);
    } else {
        result.facts = factsOfModel(*openModel(file));
        addFidelity(result);
    }
    return result;
}

} // namespace caldera::studio
