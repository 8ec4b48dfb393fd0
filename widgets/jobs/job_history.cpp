#include "widgets/jobs/job_history.h"

#include <algorithm>

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

/// The time of an event: seconds since 1970 or an ISO 8601 text, both UTC.
QDateTime eventTime(const QJsonObject& event) {
    const QJsonValue time = event.value("time"_L1);
    if (time.isDouble())
        return QDateTime::fromMSecsSinceEpoch(static_cast<qint64>(time.toDouble() * 1000), Qt::UTC);
    return QDateTime::fromString(time.toString(), Qt::ISODateWithMs);
}

/// The first of `names` that the event holds as text.
QString firstText(const QJsonObject& event, std::initializer_list<QLatin1StringView> names) {
    for (const QLatin1StringView name : names) {
        QString text = event.value(name).toString();
        if (!text.isEmpty())
            return text;
    }
    return {};
}

} // namespace

bool JobHistory::apply(const QJsonObject& event) {
    const auto seq = static_cast<qint64>(event.value("seq"_L1).toDouble(-1));
    if (seq <= lastSeq_)
        return false;
    lastSeq_ = seq;
    const QDateTime time = eventTime(event);
    const QDateTime lastWord = lastTime_;
    if (time.isValid())
        lastTime_ = time;
    const QString kind = event.value("event"_L1).toString();
    if (kind == "stage"_L1)
        applyStage(event, time);
    else if (kind == "progress"_L1) {
        done_ = static_cast<qint64>(event.value("done"_L1).toDouble());
        total_ = static_cast<qint64>(event.value("total"_L1).toDouble());
    } else if (kind == "cell"_L1)
        applyCell(event, time);
    else if (kind == "artifact"_L1)
        applyArtifact(event, time);
    else if (kind == "error"_L1)
        applyError(event, time);
    else if (kind == "log"_L1)
        addLine(time, u"log"_s, firstText(event, {"message"_L1, "text"_L1}));
    else if (kind == "hello"_L1)
        applyStart(time, lastWord);
    else if (kind == "revision"_L1)
        closeStage(time, u"cancelled"_s); // it begins anew with the other plan
    else if (kind == "end"_L1)
        applyEnd(event, time);
    return true;
}

/// A worker begins. If it is not the first, the one before it may have died without a word.
void JobHistory::applyStart(const QDateTime& time, const QDateTime& lastWord) {
    closeStage(lastWord, u"lost"_s);
    if (!log_.isEmpty())
        addLine(time, u"resumed"_s, u"Resumed."_s);
}

void JobHistory::applyEnd(const QJsonObject& event, const QDateTime& time) {
    const QString phase = event.value("phase"_L1).toString(u"done"_s);
    closeStage(time, phase);
    if (phase == "cancelled"_L1)
        addLine(time, phase, u"Cancelled."_s);
}

void JobHistory::applyStage(const QJsonObject& event, const QDateTime& time) {
    closeStage(time, u"done"_s);
    const QString name = firstText(event, {"name"_L1, "stage"_L1});
    stages_.append({name, time, {}});
    done_ = total_ = 0;
    // A resumed job speaks again: what failed before is history, not its state.
    error_.clear();
    errorCode_.clear();
    addLine(time, u"stage"_s, name);
}

void JobHistory::applyCell(const QJsonObject& event, const QDateTime& time) {
    const QString metric = event.value("metric"_L1).toString();
    if (cells_.isEmpty()) {
        metric_ = metric;
    }
    if (metric != metric_) {
        return; // numbers of different metrics are no one list
    }
    JobCell cell;
    cell.layer = event.value("layer"_L1).toInt(-1);
    if (cell.layer < 0 || cell.layer >= kMostLayers) {
        return; // of no model; who draws all layers up to it would not come to an end
    }
    cell.module = event.value("module"_L1).toString();
    const bool compressed = event.contains("relative_error"_L1);
    cell.relativeError = event.value(compressed ? "relative_error"_L1 : "value"_L1).toDouble();
    cell.bitsPerWeight = event.value("bpw"_L1).toDouble();
    cell.seconds = event.value("seconds"_L1).toDouble();
    cell.reused = event.value("reused"_L1).toBool();
    cell.time = time;
    cell.expected = compressed ? expectedOf(cell) : std::nullopt;
    // A resumed job reports the cells that it reuses: the newest word counts.
    const auto same = [&cell](const JobCell& other) {
        return other.layer == cell.layer && other.module == cell.module;
    };
    const auto known = std::find_if(cells_.begin(), cells_.end(), same);
    if (known != cells_.end()) {
        errorSum_ += cell.relativeError - known->relativeError;
        *known = cell;
        return;
    }
    errorSum_ += cell.relativeError;
    cells_.append(cell);
}

void JobHistory::expect(const std::map<Cell, ExpectedError>& expected) {
    expected_ = expected;
    for (JobCell& cell : cells_)
        cell.expected = metric_.isEmpty() ? expectedOf(cell) : std::nullopt;
}

std::optional<ExpectedError> JobHistory::expectedOf(const JobCell& cell) const {
    const std::optional<Module> module = parseModule(cell.module.toStdString());
    const auto found = module ? expected_.find({cell.layer, *module}) : expected_.end();
    return found == expected_.end() ? std::nullopt : std::optional(found->second);
}

void JobHistory::applyArtifact(const QJsonObject& event, const QDateTime& time) {
    artifact_ = firstText(event, {"path"_L1, "folder"_L1, "out"_L1});
    artifactHash_ = firstText(event, {"hash"_L1, "artifact_hash"_L1});
    addLine(time, u"artifact"_s, artifact_);
}

void JobHistory::applyError(const QJsonObject& event, const QDateTime& time) {
    error_ = firstText(event, {"message"_L1, "sentence"_L1});
    errorCode_ = event.value("code"_L1).toString();
    addLine(time, u"error"_s, error_);
}

void JobHistory::closeStage(const QDateTime& time, const QString& phase) {
    if (stages_.isEmpty() || !stages_.last().phase.isEmpty())
        return;
    stages_.last().ended = time;
    stages_.last().phase = phase;
}

void JobHistory::addLine(const QDateTime& time, const QString& level, const QString& text) {
    if (text.isEmpty())
        return;
    log_.append({time, level, text});
    if (log_.size() > kLogLimit) {
        // In pieces: dropping one line at a time would move all others each time.
        constexpr qsizetype kPiece = 1000;
        log_.remove(0, kPiece);
        droppedLines_ += kPiece;
    }
}

double JobHistory::meanRelativeError() const {
    return cells_.isEmpty() ? 0 : errorSum_ / static_cast<double>(cells_.size());
}

double JobHistory::cellsPerMinute(int window) const {
    double seconds = 0;
    int count = 0;
    const JobCell* newest = nullptr;
    const JobCell* oldest = nullptr;
    for (qsizetype i = cells_.size() - 1; i >= 0 && count < window; --i) {
        if (cells_[i].reused)
            continue;
        newest = newest ? newest : &cells_[i];
        oldest = &cells_[i];
        seconds += cells_[i].seconds;
        ++count;
    }
    if (count == 0)
        return 0;
    // The clock counts what lies between the cells too, once it has run long enough to be exact.
    constexpr double kExactSeconds = 20;
    const double clock = static_cast<double>(oldest->time.msecsTo(newest->time)) / 1e3;
    if (count > 1 && clock >= kExactSeconds)
        return 60.0 * (count - 1) / clock;
    return seconds > 0 ? 60.0 * count / seconds : 0;
}

} // namespace caldera::studio
