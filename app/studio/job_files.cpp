#include "app/studio/job_files.h"

#include <QFileInfo>
#include <QUuid>

#include <exception>
#include <filesystem>

#include "core/base/paths.h"
#include "core/model/text_file.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

QString writePlanFile(const Plan& plan) {
    const std::filesystem::path folder = stateFolder() / "plans";
    std::filesystem::create_directories(folder);
    const QString name = QUuid::createUuid().toString(QUuid::WithoutBraces) + u".yaml"_s;
    const std::filesystem::path file = folder / name.toStdString();
    savePlan(plan, file);
    return QString::fromStdString(file.string());
}

namespace {

/// Reads the file and names it as it will lie there: by its own name, which results bear.
QString take(const QString& file, QMap<QString, QByteArray>& files) {
    const QByteArray content = QByteArray::fromStdString(readUtf8File(file.toStdString()));
    const QString name = QFileInfo(file).fileName();
    const bool isOfNoJob =
        name.endsWith(".txt"_L1) || (name.endsWith(".jsonl"_L1) && name != "events.jsonl"_L1);
    QString free = isOfNoJob ? name : u"text-"_s + name; // jobs have files of their own
    for (int number = 2; files.contains(free); ++number) {
        free = u"text%1-%2"_s.arg(number).arg(name);
    }
    files.insert(free, content);
    return u"{job}/"_s + free;
}

} // namespace

SentTexts readTexts(const MeasureSettings& settings) {
    SentTexts texts;
    const auto read = [](const QString& path) {
        return path.isEmpty() ? QByteArray()
                              : QByteArray::fromStdString(readUtf8File(path.toStdString()));
    };
    try {
        texts.calibration = read(settings.calibrationText);
        texts.text = read(settings.text);
    } catch (const std::exception& error) {
        texts.failure = describeFailure(error);
    }
    return texts;
}

SentTasks readEvaluated(const EvaluateSettings& settings) {
    SentTasks sent;
    sent.there = settings;
    try {
        if (!settings.text.isEmpty()) {
            sent.there.text = take(settings.text, sent.files);
        }
        for (QString& task : sent.there.tasks) {
            task = take(task, sent.files);
        }
    } catch (const std::exception& error) {
        sent.failure = describeFailure(error);
    }
    return sent;
}

} // namespace caldera::studio
