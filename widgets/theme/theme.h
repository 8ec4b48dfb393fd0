// The studio's look in one place: colour tokens, data colours, spacing, fonts, dark and light.
#pragma once

#include <QColor>
#include <QFont>
#include <QObject>

#include <memory>

#include "core/model/module.h"

class QApplication;

namespace caldera::studio {

/// What a colour is for. Nothing in the studio names a colour in any other way.
enum class Token {
    Window,
    Panel,
    Raised,
    Text,
    Secondary,
    Disabled,
    Line,
    Accent,
    OnAccent,
    Good,
    Warn,
    Bad
};
inline constexpr int kTokenCount = 12;

enum class Scheme { Dark, Light };
/// What the user chose; System follows the desktop.
enum class SchemeChoice { System, Dark, Light };

/// Spacing on a grid of 4 pixels.
inline constexpr int kSpaceTiny = 4;
inline constexpr int kSpaceSmall = 8;
inline constexpr int kSpaceMedium = 12;
inline constexpr int kSpaceLarge = 16;
inline constexpr int kSpaceHuge = 24;
inline constexpr int kControlHeight = 28;
inline constexpr int kRadius = 4;
inline constexpr int kReadableWidth = 760; ///< widest column of running text

class SystemScheme;

/// One per process. Before install() it answers with the dark scheme.
class Theme : public QObject {
    Q_OBJECT
public:
    static Theme& current();
    /// Sets style, fonts and palette, reads the user's choice and follows the desktop from now on.
    void install(QApplication& application);

    Scheme scheme() const { return scheme_; }
    SchemeChoice choice() const { return choice_; }
    /// Remembered in the settings.
    void setChoice(SchemeChoice choice);

    QColor color(Token token) const { return color(token, scheme_); }
    static QColor color(Token token, Scheme scheme);
    /// 0 calm .. 1 fragile; fragile always stands out from the background.
    QColor sequential(double position) const { return sequential(position, scheme_); }
    static QColor sequential(double position, Scheme scheme);
    /// -1 better .. 1 worse.
    QColor difference(double position) const;
    QColor category(Module module) const { return category(module, scheme_); }
    static QColor category(Module module, Scheme scheme);

    /// Figures of equal width at the size of the application font, `pointDelta` points larger.
    QFont numberFont(double pointDelta = 0) const;
    /// The application font, `pointDelta` points larger.
    QFont textFont(double pointDelta = 0, QFont::Weight weight = QFont::Normal) const;
    /// False when the desktop asks for no motion; then nothing is animated.
    bool animates() const;

Q_SIGNALS:
    /// Colours changed; palettes are already set. Repaint what was drawn with color().
    void themeChanged();

private:
    Theme();
    ~Theme() override;
    void update();
    void applyPalette();

    QApplication* application_ = nullptr;
    std::unique_ptr<SystemScheme> system_;
    Scheme scheme_ = Scheme::Dark;
    SchemeChoice choice_ = SchemeChoice::System;
};

} // namespace caldera::studio
