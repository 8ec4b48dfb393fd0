#include "widgets/jobs/job_check.h"

#include <algorithm>
#include <optional>

#include <QPromise>
#include <QTemporaryDir>
#include <QtConcurrentRun>

#include "core/base/file.h"
#include "widgets/remote/folder_there.h"
#include "widgets/remote/model_fetch.h"
#include "widgets/remote/process.h"
#include "widgets/remote/remote_host.h"
#include "widgets/remote/remote_record.h"
#include "widgets/remote/ssh_session.h"
#include "widgets/remote/worker_install.h"
#include "widgets/support/failure.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr auto kLimit = std::chrono::minutes(2);

QStringList checking(const JobRequest& request, const QString& folder) {
    QStringList arguments;
    for (QString word : request.arguments) {
        arguments.append(word.replace(kJobFolderWord, folder));
    }
    return arguments + QStringList{u"--check"_s, u"--json"_s};
}

/// The answer of a worker, or Error with its last words.
Preflight answerOf(const ProcessResult& result) {
    if (result.exitCode != 0) {
        QString words = lastLine(result.err);
        if (words.startsWith("caldera: "_L1)) {
            words.remove(0, 9);
        }
        throw Error("preflight.failed",
                    words.isEmpty() ? "The worker did not answer." : words.toStdString());
    }
    return preflightFromJson(result.out.toStdString());
}

Preflight checkHere(const JobRequest& request, const QString& worker, const std::stop_token& stop) {
    const QTemporaryDir folder;
    for (auto file = request.files.begin(); file != request.files.end(); ++file) {
        writeFileAtomically(folder.filePath(file.key()).toStdString(), file.value().toStdString());
    }
    const QString program = worker.isEmpty() ? JobService::findWorker() : worker;
    ProcessCall call{program, checking(request, folder.path())};
    call.limit = kLimit;
    return answerOf(runProcess(call, stop));
}

Preflight checkThere(const JobRequest& request, const std::stop_token& stop) {
    SshSession session(request.target.ssh);
    session.connect(nullptr, stop);
    Target target = request.target;
    endingScripts(session, stop,
                  [&](const HostSetUp& setUp) { installBundle(target, setUp, [](double) {}); });
    const QString worker = workerCommand(target, session, stop);
    checkWorker(worker, session, stop);
    const FolderThere folder(session, expandHome(request.target.folder, session, stop), stop);
    for (auto file = request.files.begin(); file != request.files.end(); ++file) {
        session.require("cat > "_L1 + shellWord(folder.path() + u'/' + file.key()), "remote.folder",
                        stop, file.value());
    }
    QStringList words;
    for (const QString& word : checking(request, folder.path())) {
        words.append(shellWord(word));
    }
    return answerOf(session.run("cd "_L1 + shellWord(folder.path()) + " && "_L1 + worker + u' ' +
                                    words.join(u' '),
                                stop, {}, kLimit));
}

/// What a login node has says nothing of the nodes.
void forgetLoginNode(Preflight& checked, const SlurmSettings& slurm) {
    constexpr int64_t kMiB = 1 << 20;
    std::erase_if(checked.items, [&slurm](const PreflightItem& item) {
        return item.name == "gpu-memory" || (item.name == "memory" && slurm.memoryMiB == 0);
    });
    for (PreflightItem& item : checked.items) {
        if (item.name == "memory") {
            item.available = slurm.memoryMiB * kMiB;
        }
    }
    checked.time.runs = 0;
}

/// What crosses from the pool.
struct Answer {
    std::optional<Preflight> preflight;
    Failure failure;
    bool isRefused = false;
};

/// Whether the run itself would end by this. Where a login or the network failed it may well not,
/// and a model of the hub that is not there yet is fetched by the run.
bool isRefusal(const Failure& failure, const JobRequest& request) {
    static const QStringList codes{u"remote.worker"_s, u"remote.version"_s, u"remote.folder"_s};
    const bool isAnswer = failure.code == "preflight.failed"_L1;
    return codes.contains(failure.code) || (isAnswer && hubModels(request.arguments).isEmpty());
}

} // namespace

Preflight checkJob(const JobRequest& request, const QString& worker, const std::stop_token& stop) {
    if (request.target.kind == TargetKind::Local) {
        return checkHere(request, worker, stop);
    }
    Preflight checked = checkThere(request, stop);
    if (request.target.kind == TargetKind::Slurm) {
        forgetLoginNode(checked, request.target.slurm);
    }
    return checked;
}

JobCheck::JobCheck(QString worker, QObject* parent) : QObject(parent), worker_(std::move(worker)) {}

JobCheck::~JobCheck() {
    cancel();
}

void JobCheck::cancel() {
    stop_.request_stop();
    ++question_;
}

void JobCheck::ask(const JobRequest& request) {
    cancel();
    stop_ = std::stop_source();
    const int question = question_;
    QtConcurrent::run([request, worker = worker_, stop = stop_.get_token()] {
        Answer answer;
        try {
            answer.preflight = checkJob(request, worker, stop);
        } catch (const std::exception& error) {
            answer.failure = describeFailure(error);
            answer.isRefused = isRefusal(answer.failure, request);
        }
        return answer;
    }).then(this, [this, question](const Answer& answer) {
        if (question != question_) {
            return;
        }
        if (answer.preflight) {
            Q_EMIT answered(*answer.preflight);
        } else {
            Q_EMIT failed(answer.failure.sentence, answer.isRefused);
        }
    });
}

} // namespace caldera::studio
