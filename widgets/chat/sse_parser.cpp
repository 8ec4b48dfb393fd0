#include "widgets/chat/sse_parser.h"

#include <utility>

namespace caldera::studio {

QList<QByteArray> SseParser::feed(QByteArrayView bytes) {
    QList<QByteArray> events;
    for (const char byte : bytes) {
        if (overflowed_)
            return events;
        const bool secondHalf = afterReturn_ && byte == '\n';
        afterReturn_ = byte == '\r';
        if (secondHalf)
            continue;
        if (byte == '\n' || byte == '\r')
            endLine(events);
        else
            line_.append(byte);
        overflowed_ = line_.size() + data_.size() > kLimit;
    }
    return events;
}

void SseParser::endLine(QList<QByteArray>& events) {
    const QByteArray line = std::exchange(line_, {});
    if (line.isEmpty()) {
        if (std::exchange(hasData_, false))
            events.append(std::exchange(data_, {}));
        return;
    }
    if (!line.startsWith("data:"))
        return;
    QByteArrayView value = QByteArrayView(line).sliced(5);
    if (value.startsWith(' '))
        value = value.sliced(1);
    if (std::exchange(hasData_, true))
        data_.append('\n');
    data_.append(value);
}

} // namespace caldera::studio
