#include "widgets/remote/secret_file.h"

#include <QCoreApplication>
#include <QRegularExpression>

#include "core/base/error.h"
#include "core/base/file.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr size_t kFileLimit = 1U << 20;

QString tr(const char* text) {
    return QCoreApplication::translate("SecretFile", text);
}

[[noreturn]] void refuse(const QString& origin, qsizetype line, const QString& what) {
    throw Error("secret.file",
                tr("%1, line %2: %3. A line NAME=value was needed; mend it or remove it.")
                    .arg(origin)
                    .arg(line)
                    .arg(what)
                    .toStdString());
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

QMap<QString, QString> parseEnvFile(const QByteArray& text, const QString& origin) {
    static const QRegularExpression assignment(
        u"^(?:export\\s+)?([A-Za-z_][A-Za-z0-9_]*)\\s*=\\s*(.*)$"_s);
    static const QRegularExpression lineEnd(u"\r\n|\n|\r"_s);
    QString all = QString::fromUtf8(text);
    if (all.startsWith(QChar::ByteOrderMark))
        all.remove(0, 1);
    QMap<QString, QString> variables;
    qsizetype number = 0;
    for (const QString& raw : all.split(lineEnd)) {
        ++number;
        const QString line = raw.trimmed();
        if (line.isEmpty() || line.startsWith(u'#'))
            continue;
        const auto match = assignment.match(line);
        if (!match.hasMatch())
            refuse(origin, number, tr("no assignment"));
        const QString value = match.captured(2);
        if (!value.startsWith(u'"') && !value.startsWith(u'\'')) {
            variables[match.captured(1)] = plainValue(value);
        } else if (const auto quoted = quotedValue(value)) {
            variables[match.captured(1)] = *quoted;
        } else {
            refuse(origin, number, tr("a quote is not closed, or text follows it"));
        }
    }
    return variables;
}

QMap<QString, QString> readEnvFile(const QString& path) {
    const std::string text = readTextFile(path.toStdU16String(), kFileLimit);
    return parseEnvFile(QByteArray::fromStdString(text), path);
}

} // namespace caldera::studio
