#include "app/studio/job_files.h"

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

} // namespace caldera::studio
