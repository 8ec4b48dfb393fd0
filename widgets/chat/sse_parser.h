// Server-sent events from bytes that come in any pieces.
#pragma once

#include <QByteArray>
#include <QByteArrayView>
#include <QList>

namespace caldera::studio {

/// Takes bytes as the network cuts them, in the middle of lines and of UTF-8 sequences, and gives
/// the data of each finished event. Comments and other fields are left out (WHATWG, section 9.2).
class SseParser {
public:
    /// Longest event that is kept; a server that sends more is not one of ours.
    static constexpr qsizetype kLimit = 4 << 20;

    /// Data of the events that `bytes` completes, in order.
    QList<QByteArray> feed(QByteArrayView bytes);
    /// Whether kLimit was passed; from then on feed() returns nothing.
    bool overflowed() const { return overflowed_; }

private:
    void endLine(QList<QByteArray>& events);

    QByteArray line_;
    QByteArray data_;
    bool hasData_ = false;
    bool afterReturn_ = false;
    bool overflowed_ = false;
};

} // namespace caldera::studio
