#include "widgets/remote/slurm.h"

#include <chrono>

#include <QJsonDocument>
#include <QJsonObject>

#include "core/base/pause.h"
#include "core/job/progress.h"
#include "widgets/remote/ssh_session.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr auto kIds = "/slurm/ids"_L1;
constexpr auto kEarlierIds = "/slurm/ids.before"_L1; ///< of what was submitted anew

/// A path in an option of sbatch, which has its own signs.
QString sbatchPath(QString path) {
    return u'"' + path.replace(u'%', "%%"_L1) + u'"';
}

QStringList directives(const RemotePlace& place) {
    const SlurmSettings& slurm = place.target.slurm;
    QStringList lines{u"--job-name=caldera"_s,
                      "--output="_L1 + sbatchPath(place.folder) + "/slurm/%j.out"_L1,
                      u"--open-mode=append"_s, u"--requeue"_s};
    const auto add = [&lines](QLatin1StringView option, const QString& value) {
        if (!value.isEmpty()) {
            lines.append(option + value.simplified());
        }
    };
    add("--partition="_L1, slurm.partition);
    add("--account="_L1, slurm.account);
    add("--time="_L1, slurm.timeLimit);
    add("--gres="_L1, slurm.gpus);
    add("--mem="_L1, slurm.memoryMiB > 0 ? QString::number(slurm.memoryMiB) : QString());
    add("--cpus-per-task="_L1, slurm.cpus > 0 ? QString::number(slurm.cpus) : QString());
    for (const QString& line : slurm.extraOptions.split(u'\n', Qt::SkipEmptyParts)) {
        lines.append(line.trimmed());
    }
    return lines;
}

/// A worker that the scheduler ends before its time waits in state "queued" to be started again.
QByteArray script(const QStringList& options, const QString& body) {
    QString text = u"#!/bin/sh\n"_s;
    for (const QString& option : options) {
        text += "#SBATCH "_L1 + option + u'\n';
    }
    return (text + "export CALDERA_SCHEDULED=1\n"_L1 + body + u'\n').toUtf8();
}

QString words(const QStringList& arguments) {
    QStringList quoted;
    for (const QString& argument : arguments) {
        quoted.append(shellWord(argument));
    }
    return quoted.join(u' ');
}

void put(const RemotePlace& place, const QString& name, const QByteArray& text,
         const std::stop_token& stop) {
    place.session.require("cat > "_L1 + shellWord(place.folder + "/slurm/"_L1 + name),
                          "remote.folder", stop, text);
}

int layersOf(const RemotePlace& place, const QString& model, const std::stop_token& stop) {
    const QByteArray text = place.session.require(
        place.worker + " info --json "_L1 + shellWord(model), "remote.start", stop);
    return QJsonDocument::fromJson(text).object().value("layers"_L1).toInt();
}

/// Makes the folders of the parts, whose states are followed from then on.
QString partFolders(const RemotePlace& place, qsizetype parts) {
    QStringList folders;
    for (qsizetype part = 0; part < parts; ++part) {
        folders.append(shellWord(place.folder + u"/shards/%1.job"_s.arg(part)));
    }
    return "mkdir -p "_L1 + folders.join(u' ');
}

/// The command that submits the scripts and keeps their numbers, whole or not at all. One whose
/// caller is gone goes on; another one waits for it and finds its numbers.
QString submission(const RemotePlace& place, bool inParts) {
    const QString folder = shellWord(place.folder + "/slurm"_L1);
    const QString first = inParts ? u"a=$(sbatch --parsable parts.sh) && "
                                    "m=$(sbatch --parsable --kill-on-invalid-dep=yes "
                                    "--dependency=afterok:${a%%;*} job.sh) && "_s
                                  : u"a= && m=$(sbatch --parsable job.sh) && "_s;
    return "cd "_L1 + folder +
           " && exec 9>lock && { ! command -v flock >/dev/null || flock 9; } && "
           "{ test -s ids || { "_L1 +
           first + "echo ${a%%;*} ${m%%;*} > ids.tmp && mv ids.tmp ids; }; }"_L1;
}

/// What is over begins anew; what is finished of it stays.
QString forgetStates(const RemotePlace& place) {
    return "cd "_L1 + shellWord(place.folder) +
           " && { cat slurm/ids >> slurm/ids.before || true; } && rm -f slurm/ids state.json control shards/*.job/state.json shards/*.job/control"_L1;
}

bool wasSubmitted(const RemotePlace& place, const std::stop_token& stop) {
    return place.session.run("test -s "_L1 + shellWord(place.folder + kIds), stop).exitCode == 0;
}

} // namespace

QList<LayerRange> splitLayers(int layers, int parts) {
    QList<LayerRange> ranges;
    const int count = std::clamp(parts, 1, std::max(1, layers));
    for (int part = 0; part < count; ++part) {
        ranges.append({layers * part / count, layers * (part + 1) / count});
    }
    return ranges;
}

QByteArray slurmScript(const RemotePlace& place, const QStringList& arguments) {
    return script(directives(place), "exec "_L1 + place.worker + u' ' + words(arguments) +
                                         " --job "_L1 + shellWord(place.folder));
}

QByteArray slurmArrayScript(const RemotePlace& place, const QStringList& arguments,
                            const QList<LayerRange>& parts) {
    QString body = u"case $SLURM_ARRAY_TASK_ID in\n"_s;
    for (qsizetype part = 0; part < parts.size(); ++part) {
        body += u"%1) layers=%2:%3;;\n"_s.arg(part).arg(parts[part].first).arg(parts[part].end);
    }
    const QString shard = shellWord(place.folder + "/shards/"_L1) + "$SLURM_ARRAY_TASK_ID"_L1;
    body += "esac\nexec "_L1 + place.worker + u' ' + words(arguments) +
            " --layers $layers --out "_L1 + shard + " --job "_L1 + shard + ".job"_L1;
    QStringList options = directives(place);
    options.append(u"--array=0-%1"_s.arg(parts.size() - 1));
    return script(options, body);
}

void submitToSlurm(const RemotePlace& place, const QStringList& arguments, bool again,
                   const std::stop_token& stop) {
    if (wasSubmitted(place, stop)) {
        if (!again || slurmHasJob(place, stop)) {
            return;
        }
        clearFromSlurm(place, stop); // of what is held
        place.session.require(forgetStates(place), "remote.folder", stop);
    }
    place.session.require("mkdir -p "_L1 + shellWord(place.folder + "/slurm"_L1), "remote.folder",
                          stop);
    const bool inParts = place.target.slurm.shards > 1 && arguments.value(0) == "compress"_L1;
    if (inParts) {
        const QList<LayerRange> parts =
            splitLayers(layersOf(place, arguments.value(1), stop), place.target.slurm.shards);
        QStringList merge{u"merge"_s};
        for (qsizetype part = 0; part < parts.size(); ++part) {
            merge.append(place.folder + u"/shards/%1"_s.arg(part));
        }
        merge += {u"--model"_s, arguments.value(1)};
        place.session.require(partFolders(place, parts.size()), "remote.folder", stop);
        put(place, u"parts.sh"_s, slurmArrayScript(place, arguments, parts), stop);
        put(place, u"job.sh"_s, slurmScript(place, merge), stop);
    } else {
        put(place, u"job.sh"_s, slurmScript(place, arguments), stop);
    }
    place.session.require(submission(place, inParts), "remote.start", stop);
}

void resubmitParts(const RemotePlace& place, const QStringList& arguments,
                   const std::stop_token& stop) {
    constexpr auto kLookEvery = std::chrono::seconds(1);
    if (place.target.slurm.shards <= 1 || !wasSubmitted(place, stop)) {
        return;
    }
    place.session.run("scancel $(cat "_L1 + shellWord(place.folder + kIds) + u')', stop);
    while (slurmHasJob(place, stop)) {
        pauseFor(kLookEvery, stop);
        checkCancelled(stop);
    }
    submitToSlurm(place, arguments, true, stop);
}

void steerSlurm(const RemotePlace& place, const QString& word, const std::stop_token& stop) {
    const QString parts = "cd "_L1 + shellWord(place.folder) + " && for f in shards/*.job; do "_L1;
    const QString change =
        word == "continue"_L1 ? u"rm -f $f/control"_s : "echo "_L1 + word + " > $f/control"_L1;
    place.session.require(parts + "test -d $f && "_L1 + change + "; done; true"_L1,
                          "remote.control", stop);
    if (word == "cancel"_L1) {
        place.session.run(
            "scancel --state=PENDING $(cat "_L1 + shellWord(place.folder + kIds) + u')', stop);
    }
}

void clearFromSlurm(const RemotePlace& place, const std::stop_token& stop) {
    const auto numbers = [&](QLatin1StringView file) { return shellWord(place.folder + file); };
    place.session.run("n=$(cat "_L1 + numbers(kEarlierIds) + u' ' + numbers(kIds) +
                          " 2>/dev/null); test -z \"$n\" || scancel $n"_L1,
                      stop);
}

bool queueGoesOn(const QByteArray& queue) {
    // "launch failed requeued held", in some versions with underscores.
    const auto isHeld = [](const QByteArray& task) { return task.contains("requeued"); };
    QList<QByteArray> tasks = QByteArray(queue).replace('_', ' ').trimmed().split('\n');
    tasks.removeAll(QByteArray());
    const bool isAnyHeld = std::any_of(tasks.begin(), tasks.end(), isHeld);
    return std::any_of(tasks.begin(), tasks.end(), [&](const QByteArray& task) {
        return !isHeld(task) && !(isAnyHeld && task.contains("Dependency"));
    });
}

QString queueReason(const QByteArray& queue) {
    for (const QByteArray& task : queue.trimmed().split('\n')) {
        const qsizetype space = task.indexOf(' ');
        const QByteArray reason = task.mid(space + 1).trimmed();
        if (!task.startsWith("PENDING")) {
            return {};
        }
        if (space > 0 && reason != "None" && reason != "Dependency") {
            return QString::fromUtf8(reason).replace(u'_', u' ');
        }
    }
    return {};
}

std::optional<QByteArray> slurmQueue(const RemotePlace& place, const std::stop_token& stop) {
    const ProcessResult result =
        place.session.run("squeue -h -o '%T %r' -j $(tr -s ' \\n' ',' < "_L1 +
                              shellWord(place.folder + kIds) + " | sed 's/^,//;s/,$//')"_L1,
                          stop);
    if (result.exitCode == 0) {
        return result.out;
    }
    return result.err.contains("Invalid job id") ? std::optional(QByteArray()) : std::nullopt;
}

bool slurmHasJob(const RemotePlace& place, const std::stop_token& stop) {
    const std::optional<QByteArray> queue = slurmQueue(place, stop);
    return !queue || queueGoesOn(*queue);
}

} // namespace caldera::studio
