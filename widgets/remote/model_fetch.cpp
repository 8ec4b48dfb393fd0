#include "widgets/remote/model_fetch.h"

#include <QProcess>
#include <QRegularExpression>

#include "widgets/remote/ssh_session.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kLookEvery = 200; // ms
constexpr int kConnectionFailed = 255;

/// Takes whole lines off `bytes` and tells the last "progress DONE TOTAL" of them.
void takeProgress(QByteArray& bytes, const std::function<void(qint64, qint64)>& tell) {
    const qsizetype end = bytes.lastIndexOf('\n');
    if (end < 0) {
        return;
    }
    const QByteArrayList words = lastLine(bytes.left(end)).toLatin1().split(' ');
    bytes.remove(0, end + 1);
    if (words.size() == 3 && words[0] == "progress") {
        tell(words[1].toLongLong(), words[2].toLongLong());
    }
}

[[noreturn]] void fail(int code, const QByteArray& words) {
    QString reason = lastLine(words);
    if (code < 0 || code == kConnectionFailed) {
        throw ConnectionError("The connection broke while the model was fetched. " +
                              reason.toStdString());
    }
    if (reason.startsWith("fetch_model: "_L1)) {
        reason.remove(0, 13);
    }
    throw Error("remote.model", "The host could not fetch the model: " + reason.toStdString());
}

void fetchModel(const HostSetUp& setUp, const WantedModel& model,
                const std::function<void(qint64, qint64)>& tell) {
    const SentScript script = sentScript(
        "fetch_model.sh",
        {model.name, u"--cache"_s, model.cache, u"--hub"_s, model.hub.url, sakeOption(setUp.sake)},
        model.hub.token + '\n');
    const auto process = startProcess(setUp.session.command(script.command));
    process->write(script.input);
    process->closeWriteChannel();
    QByteArray told;
    const int code = awaitProcess(*process, kLookEvery, setUp.stop, [&] {
        told += process->readAllStandardOutput();
        takeProgress(told, tell);
    });
    if (code != 0) {
        fail(code, process->readAllStandardError());
    }
}

} // namespace

bool isHubName(const QString& name) {
    static const QRegularExpression hub(
        u"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$"_s);
    return hub.match(name).hasMatch();
}

QStringList hubModels(const QStringList& arguments) {
    QStringList models;
    const qsizetype reference = arguments.indexOf(u"--reference"_s);
    for (const QString& each :
         {arguments.value(1), reference < 0 ? QString() : arguments.value(reference + 1)}) {
        if (isHubName(each) && !models.contains(each)) {
            models.append(each);
        }
    }
    return models;
}

QString hubCacheOf(const SshSession& session, const std::stop_token& stop) {
    const QByteArray folder = session.require(
        u"printf %s "
        "\"${HF_HUB_CACHE:-${HF_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/huggingface}/hub}\""_s,
        "remote.model", stop);
    return QString::fromUtf8(folder);
}

void fetchMissing(const HostSetUp& setUp, const WantedModel& model,
                  const std::function<void(qint64, qint64)>& tell) {
    const bool isMissing =
        isHubName(model.name) &&
        setUp.session.run(model.worker + " info --json "_L1 + shellWord(model.name), setUp.stop)
                .exitCode != 0;
    if (isMissing) {
        tell(0, 0);
        fetchModel(setUp, model, tell);
    }
}

} // namespace caldera::studio
