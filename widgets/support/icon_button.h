// The small flat buttons with an icon that stand beside fields and in headings.
#pragma once

#include <QString>

class QToolButton;
class QWidget;

namespace caldera::studio {

/// text: its tooltip, and its name for screen readers.
QToolButton* iconButton(const QString& iconName, const QString& text, QWidget* parent);

} // namespace caldera::studio
