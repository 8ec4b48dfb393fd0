#include "widgets/models/foreign_remark.h"

#include <QCoreApplication>
#include <QStringList>

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

struct ForeignRemark {
    Q_DECLARE_TR_FUNCTIONS(ForeignRemark)
};

} // namespace

QString foreignRemark(const Plan& plan, const QString& name) {
    if (!plan.foreign) {
        return {};
    }
    QStringList sentences = {
        plan.ignoredKeys.empty()
            ? ForeignRemark::tr("%1 is a configuration of qwen2-caldera-max.").arg(name)
            : ForeignRemark::tr("%1 is a configuration of qwen2-caldera-max; %n of its keys mean "
                                "nothing here.",
                                nullptr, static_cast<int>(plan.ignoredKeys.size()))
                  .arg(name)};
    QStringList adapted;
    for (const std::string& value : plan.adaptedValues) {
        adapted += QString::fromStdString(value);
    }
    if (!adapted.isEmpty()) {
        sentences +=
            ForeignRemark::tr("Adapted to what is supported: %1.").arg(adapted.join(u", "_s));
    }
    return sentences.join(u' ');
}

} // namespace caldera::studio
