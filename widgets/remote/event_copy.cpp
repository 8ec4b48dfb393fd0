#include "widgets/remote/event_copy.h"

#include <QFile>

#include "core/base/file.h"
#include "widgets/remote/ssh_session.h"

namespace caldera::studio {

QByteArray bytesOf(const std::filesystem::path& path) {
    QFile file(QString::fromStdString(path.string()));
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

void appendEvents(const JobFolder& folder, const FollowFrame& frame, const std::string& host) {
    const std::filesystem::path file = folder.events();
    std::error_code error;
    const auto size = static_cast<int64_t>(std::filesystem::file_size(file, error));
    if (error || frame.offset == 0) {
        writeFileAtomically(file, frame.bytes);
        return;
    }
    if (size != frame.offset) {
        throw ConnectionError("The events of " + host + " do not fit those that are here.");
    }
    QFile events(QString::fromStdString(file.string()));
    const auto length = static_cast<qint64>(frame.bytes.size());
    if (!events.open(QIODevice::Append | QIODevice::Unbuffered) ||
        events.write(frame.bytes.data(), length) != length) {
        events.resize(size);
        throw Error("job.events", "Cannot write the job's events to " + file.string() + ": " +
                                      events.errorString().toStdString() +
                                      ". Free some space, then resume the job.");
    }
}

} // namespace caldera::studio
