#include "widgets/support/failure.h"

#include <QCoreApplication>

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

Failure describeFailure(const std::exception& error) {
    const auto* known = dynamic_cast<const Error*>(&error);
    if (known == nullptr) {
        return {QString::fromUtf8(error.what()), u"internal"_s};
    }
    const QString code = QString::fromStdString(known->code());
    QString sentence = QCoreApplication::translate("errors", known->code().c_str());
    if (sentence == code) {
        return {QString::fromUtf8(error.what()), code};
    }
    for (const auto& [name, value] : known->args()) {
        sentence.replace(u'%' + QString::fromStdString(name) + u'%', QString::fromStdString(value));
    }
    return {sentence, code};
}

Failure together(std::span<const Failure> failures) {
    QStringList sentences;
    QStringList codes;
    for (const Failure& failure : failures) {
        sentences += failure.sentence;
        codes += failure.code;
    }
    sentences.removeDuplicates();
    codes.removeDuplicates();
    return {sentences.join(u'\n'), codes.join(u", "_s)};
}

} // namespace caldera::studio
