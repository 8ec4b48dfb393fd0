// Every evaluation that is known on this machine: of which artifact, on which text or task.
#pragma once

#include <QList>
#include <QString>
#include <QStringList>

#include <optional>
#include <string>
#include <vector>

#include "core/report/report.h"

namespace caldera::studio {

/// One result of one artifact.
struct BoardEntry {
    QString model;
    QString hash; ///< of the artifact
    QString date;
    EvaluationRecord record;

    /// Model and the beginning of the hash: what became of one model has its name.
    QString title() const;
};

struct Board {
    QList<BoardEntry> entries;
    QStringList problems; ///< sentences about files that could not be read
};

/// Reads all evaluations that are kept in the state folder, newest first. Reads files: never on
/// the GUI thread.
Board readBoard();

/// A figure with its 95 % interval, where one was measured.
struct Estimate {
    double value = 0;
    std::optional<double> low;
    std::optional<double> high;
};

/// nullopt when the evaluation has no such number.
std::optional<Estimate> estimateOf(const EvaluationRecord& record, const std::string& number);

/// A number that evaluations are compared by.
struct BoardNumber {
    std::string key;
    QString title;
    QString toolTip;
    bool lessIsBetter = true;
    bool isShare = false;    ///< 0 .. 1, shown in percent
    bool ofOriginal = false; ///< says how near the original is
};
const std::vector<BoardNumber>& boardNumbers();
/// The figure as people read it: shares in percent.
QString estimateText(const BoardNumber& number, const Estimate& estimate);

/// Whether a number says something of the two beside one another: on the same text or task, as many
/// tokens of it, at the same context and, where the number is of a comparison with an original,
/// with the same one.
bool compares(const BoardNumber& number, const EvaluationRecord& first,
              const EvaluationRecord& second);

/// The entry that is best by a number among those that compare with `like`; nullptr when none has
/// the number.
const BoardEntry* bestOf(const QList<BoardEntry>& entries, const BoardNumber& number,
                         const EvaluationRecord& like);
/// Comma-separated values of all entries: every number of every evaluation, exact, a line for each.
QString boardCsv(const QList<BoardEntry>& entries);

/// How `first` stands to `second` by a number, as a sentence that names both and says whether the
/// intervals leave a doubt.
QString comparisonText(const BoardNumber& number, const BoardEntry& first,
                       const BoardEntry& second);

} // namespace caldera::studio
