#include "widgets/pods/dollar_field.h"

#include <QCoreApplication>

namespace caldera::studio {

namespace {

constexpr double kMostDollars = 9999;

QString tr(const char* text) {
    return QCoreApplication::translate("DollarField", text);
}

} // namespace

QDoubleSpinBox* dollarField(const QString& suffix, const QString& toolTip, QWidget* parent) {
    auto* field = new QDoubleSpinBox(parent);
    field->setRange(0, kMostDollars);
    field->setDecimals(2);
    field->setSingleStep(0.5);
    field->setPrefix(QStringLiteral("$"));
    field->setSuffix(suffix);
    field->setToolTip(toolTip);
    field->setFixedWidth(kLimitFieldWidth);
    return field;
}

QDoubleSpinBox* ceilingField(QWidget* parent) {
    return dollarField(tr(" an hour"), tr("Dearer machines are not taken"), parent);
}

QDoubleSpinBox* capField(QWidget* parent) {
    return dollarField(tr(" a job"), tr("Before a job would cost more, its pod is stopped"),
                       parent);
}

} // namespace caldera::studio
