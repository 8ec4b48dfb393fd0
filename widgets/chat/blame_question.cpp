#include "widgets/chat/blame_question.h"

namespace caldera::studio {

namespace {

bool isOfWord(QChar character) {
    return character.isLetterOrNumber() || character.isMark() || character.isSurrogate();
}

qsizetype beginOfWord(const QString& text, qsizetype place) {
    if (!isOfWord(text[place]))
        return place;
    while (place > 0 && isOfWord(text[place - 1]))
        --place;
    return place;
}

/// Where `word` stands as a word of its own, from `from` on; -1: nowhere.
qsizetype nextOf(const QString& word, const QString& text, qsizetype from) {
    for (qsizetype at = text.indexOf(word, from); at >= 0; at = text.indexOf(word, at + 1)) {
        if (beginOfWord(text, at) == at && wordAt(text, at) == word)
            return at;
    }
    return -1;
}

/// Where the same word stands in the Markdown that `shown` was made from. Markdown adds marks, but
/// leaves words and their order, so as many of this word stand before it; -1: it is not there.
qsizetype placeInSource(const QString& word, const QString& shown, qsizetype begin,
                        const QString& source) {
    qsizetype at = nextOf(word, source, 0);
    for (qsizetype before = nextOf(word, shown, 0); before >= 0 && before < begin && at >= 0;
         before = nextOf(word, shown, before + 1))
        at = nextOf(word, source, at + 1);
    return at;
}

} // namespace

QString wordAt(const QString& text, qsizetype place) {
    if (place < 0 || place >= text.size() || text[place].isSpace())
        return {};
    const qsizetype begin = beginOfWord(text, place);
    qsizetype end = place + 1;
    while (isOfWord(text[place]) && end < text.size() && isOfWord(text[end]))
        ++end;
    return text.mid(begin, end - begin);
}

std::optional<BlameQuestion> questionAbout(const ChatRequest& conversation, const QString& shown,
                                           qsizetype place) {
    const QString word = wordAt(shown, place);
    if (word.isEmpty() || conversation.messages.isEmpty())
        return {};
    const QString& source = conversation.messages.last().text;
    const qsizetype at = placeInSource(word, shown, beginOfWord(shown, place), source);
    if (at < 0)
        return {};
    BlameQuestion question;
    question.request = conversation.scoreJson({}, 0);
    question.byte = source.left(at).toUtf8().size();
    question.word = word;
    return question;
}

} // namespace caldera::studio
