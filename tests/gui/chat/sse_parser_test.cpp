#include "widgets/chat/sse_parser.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace caldera::studio {
namespace {

const QByteArray kStream = "data: {\"a\":\"h\xc3\xa9\xf0\x9f\x99\x82\"}\r\n\r\n"
                           ": a comment\n"
                           "event: chunk\rdata:one\r"
                           "data: two\r\r"
                           "data\n\n"
                           "id: 7\n\n"
                           "data: [DONE]\n\n";

QList<QByteArray> expected() {
    return {"{\"a\":\"h\xc3\xa9\xf0\x9f\x99\x82\"}", "one\ntwo", "[DONE]"};
}

TEST(SseParser, GivesTheSameEventsHoweverTheBytesAreCut) {
    for (qsizetype size = 1; size <= kStream.size(); ++size) {
        SseParser parser;
        QList<QByteArray> events;
        for (qsizetype at = 0; at < kStream.size(); at += size)
            events += parser.feed(
                QByteArrayView(kStream).sliced(at, std::min(size, kStream.size() - at)));
        EXPECT_EQ(events, expected()) << "pieces of " << size;
    }
}

TEST(SseParser, KeepsAnUnfinishedEventBack) {
    SseParser parser;
    EXPECT_TRUE(parser.feed("data: half").isEmpty());
    EXPECT_TRUE(parser.feed("\n").isEmpty());
    EXPECT_EQ(parser.feed("\n"), QList<QByteArray>{"half"});
}

TEST(SseParser, RefusesAnEventWithoutEnd) {
    SseParser parser;
    const QByteArray piece(1 << 20, 'x');
    EXPECT_FALSE(parser.overflowed());
    for (int i = 0; i < 5; ++i)
        parser.feed(piece);
    EXPECT_TRUE(parser.overflowed());
    EXPECT_TRUE(parser.feed("\n\ndata: a\n\n").isEmpty());
}

} // namespace
} // namespace caldera::studio
