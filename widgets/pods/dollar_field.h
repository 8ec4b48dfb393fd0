// A field for an amount of US dollars.
#pragma once

#include <QDoubleSpinBox>

namespace caldera::studio {

/// `suffix`: " an hour".
QDoubleSpinBox* dollarField(const QString& suffix, const QString& toolTip, QWidget* parent);
/// The fields for the highest price an hour, and for the most that a job may cost.
QDoubleSpinBox* ceilingField(QWidget* parent);
QDoubleSpinBox* capField(QWidget* parent);

inline constexpr int kLimitFieldWidth = 140;

} // namespace caldera::studio
