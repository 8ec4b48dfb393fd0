// What a job has told so far, folded from its events: stages, log, cells, results.
#pragma once

#include <QDateTime>
#include <QJsonObject>
#include <QList>
#include <QString>

#include <map>
#include <optional>

#include "core/allocation/expected_errors.h"

namespace caldera::studio {

/// One stage with its times; `ended` is invalid while it runs.
struct JobStage {
    QString name;
    QDateTime started;
    QDateTime ended;
    QString phase = {}; ///< how it ended: done cancelled failed lost; empty while it runs
};

/// One line for people. `level` is "log", "stage", "artifact", "error", "resumed" or "cancelled".
struct JobLogLine {
    QDateTime time;
    QString level;
    QString text;
};

/// One finished cell, as its "cell" event tells.
struct JobCell {
    int layer = 0;
    QString module;
    double relativeError = 0; ///< of the result; of a measurement what its metric gave
    double bitsPerWeight = 0;
    double seconds = 0;
    bool reused = false;
    std::optional<ExpectedError> expected; ///< of a compression whose plan was measured
    QDateTime time;
};

/// A value that grows by apply(); progress events change figures and leave no line behind, so its
/// size is bounded by stages, cells and log lines. The oldest log lines beyond kLogLimit are gone.
class JobHistory {
public:
    static constexpr qsizetype kLogLimit = 20000;
    static constexpr int kMostLayers = 1 << 14; ///< as many as a model may have

    /// Takes an event in; false when its number was seen before (nothing changes then).
    bool apply(const QJsonObject& event);
    /// What the plan promises of the cells, those that have finished included.
    void expect(const std::map<Cell, ExpectedError>& expected);

    const QList<JobStage>& stages() const { return stages_; }
    const QList<JobLogLine>& log() const { return log_; }
    /// How many lines came before the first of log().
    qint64 droppedLines() const { return droppedLines_; }
    const QList<JobCell>& cells() const { return cells_; }
    /// Of a measurement, the metric of cells(): the first that it told. Else empty.
    const QString& metric() const { return metric_; }
    /// Done and total units of the current stage; total 0 while unknown.
    qint64 done() const { return done_; }
    qint64 total() const { return total_; }
    /// Folder of the artifact, from the "artifact" event; empty until then.
    const QString& artifact() const { return artifact_; }
    const QString& artifactHash() const { return artifactHash_; }
    /// Sentence and code of the "error" event; empty without one.
    const QString& error() const { return error_; }
    const QString& errorCode() const { return errorCode_; }
    /// Mean relative error of the finished cells; 0 without cells.
    double meanRelativeError() const;
    /// Cells a minute over the last `window` fresh (not reused) cells; 0 while unknown.
    double cellsPerMinute(int window = 12) const;
    /// When the last event was written.
    const QDateTime& lastTime() const { return lastTime_; }

private:
    void applyStage(const QJsonObject& event, const QDateTime& time);
    void applyCell(const QJsonObject& event, const QDateTime& time);
    void applyArtifact(const QJsonObject& event, const QDateTime& time);
    void applyError(const QJsonObject& event, const QDateTime& time);
    void applyStart(const QDateTime& time, const QDateTime& lastWord);
    void applyEnd(const QJsonObject& event, const QDateTime& time);
    void closeStage(const QDateTime& time, const QString& phase);
    std::optional<ExpectedError> expectedOf(const JobCell& cell) const;
    void addLine(const QDateTime& time, const QString& level, const QString& text);

    qint64 lastSeq_ = -1;
    QDateTime lastTime_;
    QList<JobStage> stages_;
    QList<JobLogLine> log_;
    qint64 droppedLines_ = 0;
    QList<JobCell> cells_;
    QString metric_;
    std::map<Cell, ExpectedError> expected_;
    double errorSum_ = 0;
    qint64 done_ = 0;
    qint64 total_ = 0;
    QString artifact_;
    QString artifactHash_;
    QString error_;
    QString errorCode_;
};

} // namespace caldera::studio
