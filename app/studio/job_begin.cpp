// Runs that need few settings or none: evaluations, and chats with results where they were made. A
// person sees what they take before they begin.
#include <optional>
#include <utility>

#include <QFileInfo>

#include "app/studio/job_actions.h"
#include "app/studio/job_files.h"
#include "app/studio/job_words.h"
#include "app/studio/live_job.h"
#include "core/base/error.h"
#include "widgets/jobs/job_service.h"
#include "widgets/remote/outline_fetch.h"
#include "widgets/remote/pod_jobs.h"
#include "widgets/remote/pod_quote.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

void JobActions::evaluateThere(const QString& id, const Target& target) {
    const JobSummary made = service_.job(id);
    JobRequest request;
    request.kind = u"evaluate"_s;
    request.title = tr("Evaluate %1 on %2").arg(made.title, made.host);
    request.target = target;
    request.model = made.outFolder;
    request.arguments = {u"evaluate"_s, made.hostFolder + u"/out"_s, u"--reference"_s,
                         made.arguments.value(1)};
    suggestWhereMade(made, request,
                     tr("Measures what “%1” lost against the model there: perplexity, KL "
                        "divergence, agreement, answers to questions.")
                         .arg(made.title));
}

void JobActions::serveThere(const QString& id, const Target& target) {
    const JobSummary made = service_.job(id);
    suggestWhereMade(made,
                     {u"serve"_s,
                      tr("%1 on %2").arg(made.title, made.host),
                      {u"serve"_s, made.hostFolder + u"/out"_s, u"--port"_s, u"0"_s},
                      target,
                      made.model,
                      {}},
                     tr("Loads “%1” there, to chat with. It stays loaded until the run is "
                        "cancelled in Runs.")
                         .arg(made.title));
}

void JobActions::suggestWhereMade(const JobSummary& made, const JobRequest& request,
                                  const QString& summary) {
    BeginSuggestion suggestion{request, summary, {}, {}};
    if (request.kind == u"evaluate") {
        suggestion.evaluating.emplace();
    }
    if (made.isOnPod) {
        suggestion.podOf = made.id;
        try {
            const PodOrder order = pods_.orderLike(made.id);
            suggestion.summary +=
                u' ' + tr("A pod with the same volume is rented for it, for at most %1 an hour "
                          "and %2 in all.")
                           .arg(dollarText(order.request.ceiling), dollarText(order.cap));
        } catch (const Error& error) {
            Q_EMIT failed(describeFailure(error));
            return;
        }
    }
    Q_EMIT beginSuggested(suggestion);
}

void JobActions::evaluate() {
    if (!session_.facts() || session_.facts()->kind != OpenKind::Artifact) {
        return;
    }
    const OpenFacts& facts = *session_.facts();
    BeginSuggestion suggestion;
    suggestion.evaluating.emplace();
    suggestion.request.kind = u"evaluate"_s;
    suggestion.request.title = tr("Evaluate %1").arg(facts.name);
    suggestion.summary = tr("Measures what %1 lost against its original: perplexity, KL "
                            "divergence, agreement, answers to questions.")
                             .arg(facts.name);
    const QString original = modelPath(session_);
    const QString made = madeElsewhere(facts.path);
    const QStringList arguments{u"evaluate"_s, facts.path, u"--reference"_s, original};
    session_.inBackground(
        [hash = facts.artifactHash, original] {
            const bool isHere = QFileInfo::exists(original) && !isKeptOutline(original);
            return std::pair(evaluationFile(hash), isHere);
        },
        [this, suggestion, arguments, made](const std::pair<QString, bool>& found) mutable {
            const auto& [file, isHere] = found;
            if (!isHere && !made.isEmpty()) {
                Q_EMIT evaluationThereWanted(made);
                return;
            }
            suggestion.request.arguments = arguments + QStringList{u"--out"_s, file};
            Q_EMIT beginSuggested(suggestion);
        });
}

QString JobActions::madeElsewhere(const QString& artifact) const {
    for (const JobSummary& job : service_.jobs()) {
        if (job.hasModelThere() && resultOf(job) == artifact) {
            return job.id;
        }
    }
    return {};
}

void JobActions::complete(const BeginSuggestion& suggestion,
                          std::function<void(const JobRequest&)> then) {
    const bool isHere =
        suggestion.podOf.isEmpty() && suggestion.request.target.kind == TargetKind::Local;
    JobRequest request = suggestion.request;
    if (!suggestion.evaluating || isHere) {
        request.arguments +=
            suggestion.evaluating ? evaluating(*suggestion.evaluating) : QStringList();
        then(request);
        return;
    }
    session_.inBackground([chosen = *suggestion.evaluating] { return readEvaluated(chosen); },
                          [this, request, then = std::move(then)](const SentTasks& sent) mutable {
                              if (sent.failure) {
                                  Q_EMIT failed(*sent.failure);
                                  return;
                              }
                              request.arguments += evaluating(sent.there);
                              request.files.insert(sent.files);
                              then(request);
                          });
}

void JobActions::begin(const BeginSuggestion& suggestion, bool forces) {
    complete(suggestion, [this, podOf = suggestion.podOf, forces](JobRequest request) {
        request.arguments += forced(forces);
        try {
            Q_EMIT started(podOf.isEmpty() ? service_.start(request)
                                           : pods_.startLike(podOf, request),
                           request.title);
        } catch (const Error& error) {
            Q_EMIT failed(describeFailure(error));
        }
    });
}

} // namespace caldera::studio
