// Asks which cells moved a token: of a text, or of an answer in the chat.
#include <QJsonDocument>

#include "app/studio/job_actions.h"
#include "app/studio/live_job.h"
#include "core/base/file.h"
#include "core/report/kept_reports.h"
#include "widgets/chat/blame_question.h"
#include "widgets/jobs/job_service.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

struct BlameFiles {
    QString report;
    QString explained; ///< empty: there is none
    std::optional<Failure> failure;
};

BlameFiles prepareBlame(const QString& hash, const QByteArray& content) {
    BlameFiles files;
    try {
        files.report = blameFile(hash);
        readKept(files.report.toStdString()); // sets a damaged one aside, refuses a newer one
        if (!content.isEmpty()) {
            files.explained = files.report + u".explained"_s;
            writeFileAtomically(files.explained.toStdString(), content.toStdString());
        }
    } catch (const std::exception& error) {
        files.failure = describeFailure(error);
    }
    return files;
}

} // namespace

void JobActions::startBlame(const QString& option, const QByteArray& content,
                            const QStringList& more) {
    if (!session_.facts() || session_.facts()->kind != OpenKind::Artifact) {
        return;
    }
    const OpenFacts& facts = *session_.facts();
    const QString title = tr("Blame in %1").arg(facts.name);
    const QStringList arguments =
        QStringList{u"blame"_s, facts.path, u"--reference"_s, modelPath(session_)} + more;
    session_.inBackground(
        [hash = facts.artifactHash, content] { return prepareBlame(hash, content); },
        [this, arguments, title, option](const BlameFiles& files) {
            if (files.failure) {
                Q_EMIT failed(*files.failure);
                Q_EMIT blameEnded();
                return;
            }
            QStringList all = arguments + QStringList{u"--out"_s, files.report};
            if (!files.explained.isEmpty()) {
                all += {option, files.explained};
            }
            Q_EMIT started(service_.start(u"blame"_s, title, all), title);
        });
}

void JobActions::blame(const QString& text, int place) {
    const QStringList token = {u"--token"_s, QString::number(place)};
    startBlame(u"--text"_s, text.trimmed().isEmpty() ? QByteArray() : text.toUtf8(),
               place > 0 ? token : QStringList());
}

void JobActions::blameAnswer(const BlameQuestion& question) {
    const bool isToken = question.token >= 0;
    startBlame(u"--request"_s, QJsonDocument(question.request).toJson(QJsonDocument::Compact),
               isToken ? QStringList{u"--token"_s, QString::number(question.token + 1)}
                       : QStringList{u"--byte"_s, QString::number(question.byte)});
}

} // namespace caldera::studio
