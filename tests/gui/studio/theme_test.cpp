#include "widgets/theme/theme.h"

#include <QApplication>
#include <QSignalSpy>

#include <gtest/gtest.h>

#include <cmath>

#include "widgets/theme/color_ramp.h"
#include "widgets/theme/icons.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr double kTextContrast = 4.5;
constexpr double kLineContrast = 3.0;

class SchemeTest : public ::testing::TestWithParam<Scheme> {};
INSTANTIATE_TEST_SUITE_P(Theme, SchemeTest, ::testing::Values(Scheme::Dark, Scheme::Light));

TEST_P(SchemeTest, TextIsReadableOnEveryGround) {
    for (const Token ground : {Token::Window, Token::Panel, Token::Raised}) {
        for (const Token ink : {Token::Text, Token::Secondary}) {
            EXPECT_GE(contrast(Theme::color(ink, GetParam()), Theme::color(ground, GetParam())),
                      kTextContrast)
                << "ink " << static_cast<int>(ink) << " on " << static_cast<int>(ground);
        }
    }
    EXPECT_GE(contrast(Theme::color(Token::OnAccent, GetParam()),
                       Theme::color(Token::Accent, GetParam())),
              kTextContrast);
}

TEST_P(SchemeTest, StatesAndLinesStandOutFromThePanel) {
    const QColor panel = Theme::color(Token::Panel, GetParam());
    for (const Token state : {Token::Accent, Token::Good, Token::Warn, Token::Bad}) {
        EXPECT_GE(contrast(Theme::color(state, GetParam()), panel), kLineContrast)
            << "state " << static_cast<int>(state);
    }
    for (const Module module : kModules) {
        EXPECT_GE(contrast(Theme::category(module, GetParam()), panel), kLineContrast)
            << moduleName(module);
    }
}

TEST_P(SchemeTest, FragileStandsOutMoreThanCalm) {
    const QColor ground = Theme::color(Token::Window, GetParam());
    EXPECT_GT(contrast(Theme::sequential(1, GetParam()), ground),
              contrast(Theme::sequential(0, GetParam()), ground));
}

TEST_P(SchemeTest, InkOnACellIsAlwaysReadable) {
    for (int step = 0; step <= 100; ++step) {
        const QColor fill = Theme::sequential(step / 100.0, GetParam());
        EXPECT_GE(contrast(inkOn(fill), fill), kTextContrast) << "step " << step;
    }
}

TEST(ColorRamp, MeetsItsStopsAndStaysInside) {
    const std::array<QRgb, 3> stops = {0xff102030, 0xff808080, 0xfff0e0d0};
    EXPECT_EQ(rampColor(stops, 0).rgb(), stops[0]);
    EXPECT_EQ(rampColor(stops, 0.5).rgb(), stops[1]);
    EXPECT_EQ(rampColor(stops, 1).rgb(), stops[2]);
    EXPECT_EQ(rampColor(stops, -3).rgb(), stops[0]);
    EXPECT_EQ(rampColor(stops, 7).rgb(), stops[2]);
}

TEST(Theme, ChoosingASchemeChangesThePaletteAtOnce) {
    Theme& theme = Theme::current();
    theme.setChoice(SchemeChoice::Light);
    QSignalSpy changed(&theme, &Theme::themeChanged);
    theme.setChoice(SchemeChoice::Dark);
    EXPECT_EQ(changed.count(), 1);
    EXPECT_EQ(QApplication::palette().color(QPalette::Window),
              Theme::color(Token::Window, Scheme::Dark));
    theme.setChoice(SchemeChoice::Light);
    EXPECT_EQ(QApplication::palette().color(QPalette::Window),
              Theme::color(Token::Window, Scheme::Light));
}

/// As people without one kind of cone see a colour (linear light, after Vienot, Brettel and
/// Mollon).
double luminanceWithout(const QColor& color, bool red) {
    const auto linear = [](double channel) {
        return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
    };
    const double r = linear(color.redF());
    const double g = linear(color.greenF());
    const double b = linear(color.blueF());
    const double seen = red ? 0.1124 * r + 0.8876 * g : 0.2928 * r + 0.7072 * g;
    return 0.2126 * seen + 0.7152 * seen + 0.0722 * b;
}

TEST_P(SchemeTest, FragileCellsStandOutForEveryKindOfColourVision) {
    for (const bool red : {true, false}) {
        double before = luminanceWithout(Theme::sequential(0, GetParam()), red);
        const bool rising = luminanceWithout(Theme::sequential(1, GetParam()), red) > before;
        for (int step = 1; step <= 20; ++step) {
            const double now = luminanceWithout(Theme::sequential(step / 20.0, GetParam()), red);
            EXPECT_TRUE(rising ? now > before : now < before) << step;
            before = now;
        }
    }
}

TEST(Icons, TakeTheColourTheyAreAskedFor) {
    const QImage red = iconPixmap(u"stop"_s, Qt::red, 20, 1).toImage();
    int painted = 0;
    for (int y = 0; y < red.height(); ++y) {
        for (int x = 0; x < red.width(); ++x) {
            const QColor pixel = red.pixelColor(x, y);
            if (pixel.alpha() > 100) { // lines are thin, their edges soft
                ++painted;
                EXPECT_EQ(pixel.rgb(), QColor(Qt::red).rgb());
            }
        }
    }
    EXPECT_GT(painted, 10);
}

TEST(Icons, FollowTheTheme) {
    Theme::current().setChoice(SchemeChoice::Dark);
    const QIcon modeIcon = icon(u"plan"_s);
    const QImage dark = modeIcon.pixmap(20, 20).toImage();
    Theme::current().setChoice(SchemeChoice::Light);
    EXPECT_NE(modeIcon.pixmap(20, 20).toImage(), dark);
}

} // namespace
} // namespace caldera::studio
