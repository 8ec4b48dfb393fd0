#include "widgets/plan_view/kept_budget.h"

#include <QSettings>
#include <QStringList>

#include <cmath>

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr qsizetype kFields = 4;

QString keyOf(const QString& fingerprint) {
    return u"budget/"_s + fingerprint;
}

} // namespace

std::optional<AllocationTarget> keptBudget(const QString& fingerprint) {
    const QStringList fields = QSettings().value(keyOf(fingerprint)).toStringList();
    if (fields.size() != kFields) {
        return std::nullopt;
    }
    using Kind = AllocationTarget::Kind;
    const int kind = fields[0].toInt();
    if (kind < 0 || kind > static_cast<int>(Kind::TokensPerSecond)) {
        return std::nullopt;
    }
    AllocationTarget target;
    target.kind = static_cast<Kind>(kind);
    target.value = fields[1].toDouble();
    target.contextLength = fields[2].toInt();
    target.cacheBits = fields[3].toInt();
    return std::isfinite(target.value) && target.value > 0 ? std::optional(target) : std::nullopt;
}

void keepBudget(const QString& fingerprint, const AllocationTarget& target) {
    constexpr int kDigits = 17; // reads back as the same number
    QSettings().setValue(keyOf(fingerprint),
                         QStringList{QString::number(static_cast<int>(target.kind)),
                                     QString::number(target.value, 'g', kDigits),
                                     QString::number(target.contextLength),
                                     QString::number(target.cacheBits)});
}

} // namespace caldera::studio
