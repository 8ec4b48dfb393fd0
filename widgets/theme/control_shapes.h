// What the studio's controls look like, each drawn by one function from its style option.
#pragma once

#include <QStyleOption>

#include "widgets/theme/theme.h"

class QPainter;

namespace caldera::studio {

QColor tone(Token token);
bool has(const QStyleOption* option, QStyle::StateFlag flag);

void drawCommandButton(const QStyleOption* option, QPainter* painter);
void drawToolButtonPanel(const QStyleOption* option, QPainter* painter);
/// The box of a line of text, a number or a choice.
void drawFieldFrame(const QStyleOption* option, QPainter* painter, const QColor& fill);
/// A check box, or a radio button when `round`.
void drawCheck(const QStyleOption* option, QPainter* painter, bool round);
/// The icon `name` in the middle of `area`.
void drawArrow(const QString& name, const QRect& area, bool enabled, QPainter* painter);
void drawFrame(const QStyleOption* option, QPainter* painter);
void drawFocusRing(const QStyleOption* option, QPainter* painter);
void drawTip(const QStyleOption* option, QPainter* painter);
/// The ground of an item of a list or a table, tinted when it is selected or under the cursor.
void drawItemPanel(const QStyleOptionViewItem& item, QPainter* painter);
void drawTabShape(const QStyleOptionTab& tab, QPainter* painter);
void drawProgress(const QStyleOptionProgressBar& bar, QPainter* painter);
void drawHeader(const QStyleOption* option, QPainter* painter);
void drawSplitter(const QStyleOption* option, QPainter* painter);
void drawDockTitle(const QStyleOptionDockWidget& dock, QPainter* painter);
/// The ground of an item of the menu bar.
void drawMenuBarItem(const QStyleOption* option, QPainter* painter);
void drawScrollBar(const QStyleOptionSlider& bar, QPainter* painter, const QRect& handle);

} // namespace caldera::studio
