#include "widgets/remote/secret_file.h"

#include <QCoreApplication>
#include <QRegularExpression>

#include "core/base/file.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr size_t kFileLimit = 1U << 20;
constexpr qsizetype kMostTold = 6; // lines that were left out

QString tr(const char* text) {
    return QCoreApplication::translate("SecretFile", text);
}

QChar unescaped(QChar letter) {
    return letter == u'n' ? u'\n' : letter == u't' ? u'\t' : letter;
}

/// What stands between the quote at the beginning of `text` and its partner; nothing may follow
/// but a comment. Empty optional: a quote is not closed, or other text follows.
std::optional<QString> quotedValue(const QString& text) {
    const QChar quote = text.front();
    QString value;
    for (qsizetype i = 1; i < text.size(); ++i) {
        if (text[i] == quote) {
            const QString rest = text.mid(i + 1).trimmed();
            return rest.isEmpty() || rest.startsWith(u'#') ? std::optional(value) : std::nullopt;
        }
        const bool escape = quote == u'"' && text[i] == u'\\' && i + 1 < text.size();
        value += escape ? unescaped(text[++i]) : text[i];
    }
    return std::nullopt;
}

/// Up to a comment, which needs a space before its "#".
QString plainValue(const QString& text) {
    static const QRegularExpression comment(u"(^|\\s)#"_s);
    return text.left(text.indexOf(comment)).trimmed();
}

} // namespace

EnvFile parseEnvFile(const QByteArray& text) {
    static const QRegularExpression assignment(
        u"^(?:export\\s+)?([A-Za-z_][A-Za-z0-9_]*)\\s*=\\s*(.*)$"_s);
    static const QRegularExpression lineEnd(u"\r\n|\n|\r"_s);
    QString all = QString::fromUtf8(text);
    if (all.startsWith(QChar::ByteOrderMark))
        all.remove(0, 1);
    EnvFile file;
    qsizetype number = 0;
    const auto skip = [&](const QString& reason) {
        file.skipped.append(tr("line %1 (%2)").arg(number).arg(reason));
    };
    for (const QString& raw : all.split(lineEnd)) {
        ++number;
        const QString line = raw.trimmed();
        if (line.isEmpty() || line.startsWith(u'#'))
            continue;
        const auto match = assignment.match(line);
        const QString value = match.captured(2);
        const bool isQuoted = value.startsWith(u'"') || value.startsWith(u'\'');
        const auto read = isQuoted ? quotedValue(value) : std::optional(plainValue(value));
        if (!match.hasMatch())
            skip(tr("no NAME=value"));
        else if (!read)
            skip(tr("a quote is not closed, or text follows it"));
        else
            file.variables[match.captured(1)] = *read;
    }
    return file;
}

EnvFile readEnvFile(const QString& path) {
    return parseEnvFile(QByteArray::fromStdString(readTextFile(path.toStdU16String(), kFileLimit)));
}

QString skippedSentence(const EnvFile& file) {
    if (file.skipped.isEmpty())
        return {};
    const qsizetype more = file.skipped.size() - kMostTold;
    const QString lines = file.skipped.mid(0, kMostTold).join(u", "_s);
    return more > 0 ? tr("Not understood and left out: %1, and %2 more.").arg(lines).arg(more)
                    : tr("Not understood and left out: %1.").arg(lines);
}

} // namespace caldera::studio
