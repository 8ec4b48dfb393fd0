#include "app/studio/live_job.h"

#include <algorithm>
#include <optional>

#include "widgets/jobs/surprise.h"
#include "widgets/remote/outline_fetch.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

/// What the values are that a run of this kind gives while it is at work.
QString liveMetric(const QString& kind) {
    return kind == u"fidelity" ? LiveJob::tr("Fragility, so far")
                               : LiveJob::tr("Relative error, so far");
}

/// For the heatmap; nothing where a cell ended as expected.
std::optional<CellSurprise> markOf(const JobCell& cell) {
    const Surprise surprise = surpriseOf(cell);
    return surprise == Surprise::AsExpected
               ? std::nullopt
               : std::optional(
                     CellSurprise{surpriseText(cell), surprise == Surprise::Worse ? 1 : -1});
}

} // namespace

QString modelPath(const Session& session) {
    const OpenFacts& facts = *session.facts();
    return facts.kind == OpenKind::Model ? facts.path : QString::fromStdString(facts.plan.model);
}

bool isOutlineOpen(const Session& session) {
    return session.facts() && session.facts()->kind == OpenKind::Model &&
           isKeptOutline(session.facts()->path);
}

bool concernsOpenModel(const JobSummary& job, const Session& session) {
    const QString model = job.host.isEmpty() ? job.arguments.value(1) : job.model;
    return session.facts() && !model.isEmpty() && model == modelPath(session);
}

LiveJob::LiveJob(Session& session, JobService& service, QObject* parent)
    : QObject(parent), session_(session), service_(service) {
    connect(&service_, &JobService::jobEvent, this, &LiveJob::takeEvent);
    connect(&session_, &Session::opened, this, &LiveJob::showRunning);
}

void LiveJob::takeEvent(const QString& id, const QJsonObject& event) {
    if (event.value(u"event").toString() != u"cell") {
        return;
    }
    const JobSummary job = service_.job(id);
    const JobHistory& history = service_.history(id);
    const bool isOfMetric = event.value(u"metric").toString() == history.metric();
    if (!job.active() || !concernsOpenModel(job, session_) || !isOfMetric) {
        return;
    }
    if (id_ != id) {
        id_ = id;
        begin(job);
    }
    const int layer = event.value(u"layer").toInt();
    const QString module = event.value(u"module").toString();
    const auto cell =
        std::find_if(history.cells().crbegin(), history.cells().crend(), [&](const JobCell& known) {
            return known.layer == layer && known.module == module;
        });
    if (cell != history.cells().crend()) {
        showCell(*cell);
    }
}

void LiveJob::showCell(const JobCell& cell) {
    if (const auto module = parseModule(cell.module.toStdString())) {
        session_.takeLiveCell({cell.layer, *module}, cell.relativeError, markOf(cell));
    }
}

void LiveJob::begin(const JobSummary& job) {
    session_.beginLive(liveMetric(job.kind), service_.history(job.id).metric());
}

void LiveJob::showRunning() {
    id_.clear();
    for (const JobSummary& job : service_.running()) {
        const QList<JobCell> cells = service_.history(job.id).cells();
        if (!concernsOpenModel(job, session_) || cells.isEmpty()) {
            continue;
        }
        id_ = job.id;
        begin(job);
        for (const JobCell& cell : cells) {
            showCell(cell);
        }
        return;
    }
}

void LiveJob::end(const QString& id) {
    if (id_ == id) {
        id_.clear();
        session_.endLive();
    }
}

} // namespace caldera::studio
