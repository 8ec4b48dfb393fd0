// The question before what was typed into a dialog is lost.
#pragma once

#include <functional>

#include <QString>

class QWidget;

namespace caldera::studio {

/// What becomes of it. Without `save`, and with `obstacle` in words, it cannot be saved as it is.
struct UnsavedAnswers {
    std::function<void()> save;
    std::function<void()> discard;
    QString obstacle = {};
};

/// Asks above `dialog`, with its title, and returns at once. Who cancels keeps everything as it is.
void askAboutUnsaved(QWidget& dialog, const UnsavedAnswers& answers);

} // namespace caldera::studio
