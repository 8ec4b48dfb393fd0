#include "widgets/theme/theme.h"

#include <QApplication>
#include <QFontDatabase>
#include <QPalette>
#include <QPixmapCache>
#include <QSettings>
#include <QStyle>
#include <QToolTip>

#include <array>

#include "widgets/theme/color_ramp.h"
#include "widgets/theme/studio_style.h"
#include "widgets/theme/system_scheme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

using TokenColors = std::array<QRgb, kTokenCount>;
constexpr TokenColors kDark = {0xff14161a, 0xff1b1e24, 0xff242830, 0xffe6e9ef,
                               0xff9aa3b2, 0xff5c6470, 0xff2c313a, 0xff4c9df0,
                               0xff0b1220, 0xff4fb286, 0xffe0a13a, 0xffe5645a};
constexpr TokenColors kLight = {0xfff6f7f9, 0xffffffff, 0xffffffff, 0xff1b1f27,
                                0xff5a6372, 0xffa2a9b4, 0xffdde1e7, 0xff1f6fcb,
                                0xffffffff, 0xff23805a, 0xffa96a00, 0xffc13b31};
constexpr std::array<QRgb, 7> kSequential = {0xff00224e, 0xff2a3f6d, 0xff575c6d, 0xff7f7c75,
                                             0xffa99d6d, 0xffd6c25a, 0xfffee838};
constexpr std::array<QRgb, 5> kDifference = {0xff2b6cb0, 0xff8fb8de, 0xffe8e8e8, 0xffe5b07a,
                                             0xffb8560f};
using CategoryColors = std::array<QRgb, 7>;
constexpr CategoryColors kDarkCategories = {0xff4c9df0, 0xffe0a13a, 0xff4fb286, 0xffc77dd6,
                                            0xffe5645a, 0xff56c3c9, 0xffa3a86b};
constexpr CategoryColors kLightCategories = {0xff1f6fcb, 0xffa96a00, 0xff23805a, 0xff8e3fa3,
                                             0xffc13b31, 0xff137f86, 0xff6b7030};

const QString& choiceKey() {
    static const QString key = u"view/theme"_s;
    return key;
}

QString choiceName(SchemeChoice choice) {
    switch (choice) {
    case SchemeChoice::Dark:
        return u"dark"_s;
    case SchemeChoice::Light:
        return u"light"_s;
    case SchemeChoice::System:
        break;
    }
    return u"system"_s;
}

SchemeChoice parseChoice(const QString& name) {
    if (name == u"dark") {
        return SchemeChoice::Dark;
    }
    return name == u"light" ? SchemeChoice::Light : SchemeChoice::System;
}

/// First of the families that is installed; empty when none is.
QString installedFamily(const QStringList& families) {
    const QStringList known = QFontDatabase::families();
    for (const QString& family : families) {
        if (known.contains(family)) {
            return family;
        }
    }
    return {};
}

/// A platform without a theme (a virtual display, offscreen) has no opinion about fonts.
void chooseApplicationFont() {
    const QString platform = QGuiApplication::platformName();
    const QString desktop = qEnvironmentVariable("XDG_CURRENT_DESKTOP");
    if (platform != u"offscreen" && !desktop.isEmpty()) {
        return;
    }
    const QString family = installedFamily({u"Inter"_s, u"Noto Sans"_s, u"DejaVu Sans"_s});
    if (!family.isEmpty()) {
        QApplication::setFont(QFont(family, 10));
    }
}

} // namespace

Theme::Theme() = default;
Theme::~Theme() = default;

Theme& Theme::current() {
    static Theme theme;
    return theme;
}

void Theme::install(QApplication& application) {
    application_ = &application;
    const bool darkDesktop = luminance(QApplication::palette().color(QPalette::Window)) < 0.2;
    system_ = std::make_unique<SystemScheme>(darkDesktop ? Scheme::Dark : Scheme::Light);
    connect(system_.get(), &SystemScheme::changed, this, &Theme::update);
    // The portal's connection must not outlive the application.
    connect(&application, &QObject::destroyed, this, [this] {
        system_.reset();
        application_ = nullptr;
    });
    choice_ = parseChoice(QSettings().value(choiceKey()).toString());
    chooseApplicationFont();
    QApplication::setStyle(new StudioStyle);
    scheme_ = choice_ == SchemeChoice::System ? system_->scheme()
              : choice_ == SchemeChoice::Dark ? Scheme::Dark
                                              : Scheme::Light;
    applyPalette();
}

void Theme::setChoice(SchemeChoice choice) {
    choice_ = choice;
    QSettings().setValue(choiceKey(), choiceName(choice));
    update();
}

void Theme::update() {
    Scheme wanted = choice_ == SchemeChoice::Light ? Scheme::Light : Scheme::Dark;
    if (choice_ == SchemeChoice::System && system_) {
        wanted = system_->scheme();
    }
    if (wanted == scheme_) {
        return;
    }
    scheme_ = wanted;
    if (application_ != nullptr) {
        applyPalette();
    }
    Q_EMIT themeChanged();
}

void Theme::applyPalette() {
    QPalette palette;
    const QColor text = color(Token::Text);
    const QColor secondary = color(Token::Secondary);
    const QColor disabled = color(Token::Disabled);
    palette.setColor(QPalette::Window, color(Token::Window));
    palette.setColor(QPalette::WindowText, text);
    palette.setColor(QPalette::Base, color(Token::Panel));
    palette.setColor(QPalette::AlternateBase, mix(color(Token::Panel), color(Token::Line), 0.35));
    palette.setColor(QPalette::Text, text);
    palette.setColor(QPalette::PlaceholderText, secondary);
    palette.setColor(QPalette::Button, color(Token::Raised));
    palette.setColor(QPalette::ButtonText, text);
    palette.setColor(QPalette::BrightText, color(Token::Bad));
    palette.setColor(QPalette::ToolTipBase, color(Token::Raised));
    palette.setColor(QPalette::ToolTipText, text);
    palette.setColor(QPalette::Highlight, color(Token::Accent));
    palette.setColor(QPalette::HighlightedText, color(Token::OnAccent));
    palette.setColor(QPalette::Link, color(Token::Accent));
    palette.setColor(QPalette::LinkVisited, color(Token::Accent));
    palette.setColor(QPalette::Light, color(Token::Raised));
    palette.setColor(QPalette::Midlight, color(Token::Raised));
    palette.setColor(QPalette::Mid, color(Token::Line));
    palette.setColor(QPalette::Dark, color(Token::Line));
    palette.setColor(QPalette::Shadow, color(Token::Window));
    for (const QPalette::ColorRole role :
         {QPalette::WindowText, QPalette::Text, QPalette::ButtonText, QPalette::PlaceholderText}) {
        palette.setColor(QPalette::Disabled, role, disabled);
    }
    palette.setColor(QPalette::Disabled, QPalette::Highlight, color(Token::Line));
    palette.setColor(QPalette::Disabled, QPalette::HighlightedText, secondary);
    QApplication::setPalette(palette);
    QToolTip::setPalette(palette);
}

QColor Theme::color(Token token, Scheme scheme) {
    return QColor((scheme == Scheme::Dark ? kDark : kLight)[static_cast<size_t>(token)]);
}

QColor Theme::sequential(double position, Scheme scheme) {
    return rampColor(kSequential, scheme == Scheme::Dark ? position : 1 - position);
}

QColor Theme::difference(double position) const {
    return rampColor(kDifference, (position + 1) / 2);
}

QColor Theme::category(Module module, Scheme scheme) {
    return QColor(
        (scheme == Scheme::Dark ? kDarkCategories : kLightCategories)[static_cast<size_t>(module)]);
}

QFont Theme::numberFont(double pointDelta) const {
    static const QString family = [] {
        const QString known = installedFamily({u"JetBrains Mono"_s, u"DejaVu Sans Mono"_s});
        return known.isEmpty() ? QFontDatabase::systemFont(QFontDatabase::FixedFont).family()
                               : known;
    }();
    QFont font = QApplication::font();
    font.setFamilies({family});
    // Monospaced faces look larger than the text beside them.
    font.setPointSizeF(font.pointSizeF() - 0.5 + pointDelta);
    font.setStyleHint(QFont::Monospace);
    return font;
}

QFont Theme::textFont(double pointDelta, QFont::Weight weight) const {
    QFont font = QApplication::font();
    font.setPointSizeF(font.pointSizeF() + pointDelta);
    font.setWeight(weight);
    return font;
}

bool Theme::animates() const {
    return application_ != nullptr &&
           QApplication::style()->styleHint(QStyle::SH_Widget_Animation_Duration) > 0;
}

} // namespace caldera::studio
