// Plan as it looks while somebody works on 80 layers: for eyes (CALDERA_PICTURES=FOLDER) and for
// simple claims about what can be seen.
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QPushButton>
#include <QTabWidget>

#include "app/studio/translations.h"
#include "tests/gui/pictures.h"
#include "tests/gui/studio/large_model.h"
#include "tests/gui/studio/studio_fixture.h"
#include "widgets/plan_view/budget_bar.h"
#include "widgets/plan_view/front_panel.h"
#include "widgets/support/key_help.h"
#include "widgets/support/plot.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

class PlanPictures : public StudioFixture {
protected:
    PlanPictures() {
        installTranslations(*QCoreApplication::instance()); // "560 cells", as people see it
        window().resize(1440, 900);
        window().session().show(measuredModel(seventyTwo()));
        window().setMode(Mode::Plan);
        view().setFocus();
    }
    ~PlanPictures() override { Theme::current().setChoice(SchemeChoice::System); }

    void solve() {
        BudgetBar& budget = *window().planView()->budget();
        budget.kindBox()->setCurrentText(u"Bits per weight"_s);
        Q_EMIT budget.kindBox()->activated(budget.kindBox()->currentIndex());
        budget.amountBox()->setValue(2.4);
        budget.solveButton()->click();
        ASSERT_TRUE(
            QTest::qWaitFor([this] { return !window().planView()->solver().busy(); }, kPatience));
    }
    /// The same claim in both themes.
    template <typename Claim>
    void inBothThemes(const QString& name, Claim claim) {
        for (const SchemeChoice scheme : {SchemeChoice::Dark, SchemeChoice::Light}) {
            claim(picture(window(), name, scheme));
        }
    }
};

TEST_F(PlanPictures, ASolvedPlanShowsWhatItChanged) {
    solve();
    view().pin(Cell{40, Module::DownProj});
    inBothThemes(u"plan-solved"_s, [this](const QImage& image) {
        EXPECT_EQ(image.size(), window().size());
        EXPECT_GT(shareOf(image, Theme::current().color(Token::Accent)), 0.0005);
    });
}

TEST_F(PlanPictures, ASelectionAndABudgetThatIsPassedAreSeen) {
    solve();
    click({20, Module::QProj});
    QTest::mouseClick(view().viewport(), Qt::LeftButton, Qt::ShiftModifier,
                      centerOf({30, Module::OProj}));
    press(Qt::Key_4);
    inBothThemes(u"plan-over-budget"_s, [](const QImage& image) {
        EXPECT_GT(shareOf(image, Theme::current().color(Token::Warn)), 0.00002);
    });
}

TEST_F(PlanPictures, ToolsShowWhatTheyReach) {
    press(Qt::Key_G);
    press(Qt::Key_N);
    QTest::mouseMove(view().viewport(), centerOf({11, Module::KProj}));
    ASSERT_TRUE(QTest::qWaitFor([this] { return view().preview().size() == 120; }, kPatience));
    inBothThemes(u"plan-tool"_s, [](const QImage&) {});
}

TEST_F(PlanPictures, TheListOfKeysFitsTheWindow) {
    press(Qt::Key_F1);
    inBothThemes(u"plan-keys"_s, [this](const QImage&) {
        EXPECT_TRUE(window().planView()->keyHelp()->isVisible());
    });
}

TEST_F(PlanPictures, TheBestPlansAreACurve) {
    auto* tabs = window().planView()->findChild<QTabWidget*>();
    tabs->setCurrentWidget(window().planView()->front());
    ASSERT_TRUE(QTest::qWaitFor(
        [this] { return window().planView()->front()->plot()->graphCount() == 2; }, kPatience));
    inBothThemes(u"plan-front"_s, [](const QImage&) {});
}

} // namespace
} // namespace caldera::studio
