// The window and the heatmap beside their golden pictures (tests/gui/golden.h), and proof that the
// comparison sees what people would see and nothing else.
#include "tests/gui/golden.h"

#include <QComboBox>
#include <QLabel>
#include <QPainter>

#include "app/studio/translations.h"
#include "core/base/paths.h"
#include "core/plan/plan_edit.h"
#include "tests/gui/pictures.h"
#include "tests/gui/studio/large_model.h"
#include "tests/gui/studio/studio_fixture.h"
#include "widgets/models/plan_comparison.h"
#include "widgets/plan_view/truth_bar.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

/// The demo model, measured, from a place that is the same everywhere.
OpenResult measuredDemo() {
    OpenResult result =
        openAnything(QString::fromStdString((resourcesFolder() / "demo-model").string()));
    auto facts = std::make_shared<OpenFacts>(*result.facts);
    facts->path = u"/models/demo-model"_s;
    facts->plan.model = facts->path.toStdString();
    Report report = largeFidelity(facts->config);
    result.fidelity = std::make_shared<const Report>(report);
    report.fidelity.clear();
    result.report = std::make_shared<const Report>(report);
    result.facts = facts;
    return result;
}

class GoldenWindow : public StudioFixture, public ::testing::WithParamInterface<SchemeChoice> {
protected:
    ~GoldenWindow() override { Theme::current().setChoice(SchemeChoice::System); }

    GoldenWindow() {
        Theme::current().setChoice(GetParam());
        installTranslations(*QCoreApplication::instance()); // "56 cells", whatever ran before
    }
    void openIn(Mode mode) {
        window().resize(1280, 800);
        window().session().show(measuredDemo());
        window().setMode(mode);
        view().setFocus();
        ASSERT_TRUE(
            QTest::qWaitFor([this] { return !window().planView()->solver().busy(); }, kPatience));
    }
    QImage now(const QString& name) { return picture(window(), name, GetParam()); }
    static QString inScheme(const QString& name) {
        return name + (GetParam() == SchemeChoice::Dark ? u"-dark"_s : u"-light"_s);
    }
    void expectGolden(const QString& name) { EXPECT_TRUE(looksLike(inScheme(name), now(name))); }
    /// Draws over the picture: what a fault would look like.
    template <typename Paint>
    static QImage changed(const QImage& image, Paint paint) {
        QImage copy = image;
        QPainter painter(&copy);
        paint(painter);
        return copy;
    }
    QRect placeOf(const QWidget& widget) {
        return {widget.mapTo(&window(), QPoint(0, 0)), widget.size()};
    }
};
INSTANTIATE_TEST_SUITE_P(Golden, GoldenWindow,
                         ::testing::Values(SchemeChoice::Dark, SchemeChoice::Light),
                         [](const auto& scheme) {
                             return scheme.param == SchemeChoice::Dark ? "Dark" : "Light";
                         });

TEST_P(GoldenWindow, ModelShowsWhatTheDemoModelIs) {
    openIn(Mode::Model);
    expectGolden(u"model"_s);
}

TEST_P(GoldenWindow, PlanShowsCellsAndFigures) {
    openIn(Mode::Plan);
    view().pin(Cell{3, Module::DownProj});
    expectGolden(u"plan"_s);
}

TEST_P(GoldenWindow, TheHeatmapShowsMarksSelectionAndAnotherPlan) {
    openIn(Mode::Plan);
    const Plan other =
        withBitsAndRanks(plan().plan(), plan().config(),
                         {{{5, Module::UpProj}, {4, 16}}, {{6, Module::UpProj}, {1.5, 0}}});
    window().planView()->comparison().begin(u"another"_s, other);
    click({1, Module::OProj});
    press(Qt::Key_L);
    click({2, Module::OProj});
    press(Qt::Key_S);
    click({4, Module::KProj});
    press(Qt::Key_K);
    click({1, Module::QProj});
    click({3, Module::VProj}, Qt::ShiftModifier);
    press(Qt::Key_4);
    window().planView()->heatmap()->grid().setValue({0, Module::GateProj}, 0.5);
    HeatmapPanel& panel = *window().planView()->heatmap();
    EXPECT_GE(panel.height(), panel.minimumSizeHint().height()) << "nothing is cut off";
    EXPECT_TRUE(looksLike(inScheme(u"heatmap"_s), picture(panel, u"heatmap"_s, GetParam())));
}

TEST_P(GoldenWindow, ABrushOutlinesWhatItReaches) {
    window().resize(1280, 800);
    window().session().show(measuredModel(seventyTwo()));
    window().setMode(Mode::Plan);
    view().setFocus();
    QComboBox& metrics = *window().planView()->heatmap()->metricBox();
    metrics.setCurrentIndex(metrics.findData(u"kl"_s));
    Q_EMIT metrics.activated(metrics.currentIndex());
    press(Qt::Key_C);
    press(Qt::Key_M);
    QTest::mouseMove(view().viewport(), centerOf({2, Module::OProj}));
    QTest::mouseMove(view().viewport(), centerOf({11, Module::KProj}));
    ASSERT_TRUE(QTest::qWaitFor([this] { return view().preview().size() == 14; }, kPatience));
    EXPECT_TRUE(looksLike(inScheme(u"heatmap-80"_s),
                          picture(*window().planView()->heatmap(), u"heatmap-80"_s, GetParam())));
}

TEST_P(GoldenWindow, TheComparisonSeesWhatAPersonWouldSee) {
    openIn(Mode::Plan);
    const QImage right = now(u"compared"_s);
    const auto unlike = [golden = halved(right)](const QImage& other) {
        return unlikeness(golden, halved(other));
    };
    EXPECT_EQ(unlike(right), 0);

    const QRect cell(view().viewport()->mapTo(&window(), centerOf({2, Module::VProj})) -
                         QPoint(12, 8),
                     QSize(24, 16));
    EXPECT_GT(unlike(changed(right,
                             [&](QPainter& painter) {
                                 painter.fillRect(cell, Theme::current().sequential(0.8));
                             })),
              2 * kUnlikeness)
        << "a cell of a wrong colour";

    auto* title = window().planView()->findChild<QLabel*>(u"planTitle"_s);
    const QRect label = placeOf(*title);
    EXPECT_GT(unlike(changed(right,
                             [&](QPainter& painter) {
                                 painter.fillRect(label, Theme::current().color(Token::Window));
                             })),
              2 * kUnlikeness)
        << "a missing title";

    for (const QWidget* widget : std::initializer_list<const QWidget*>{
             window().planView()->findChild<TruthBar*>(), window().planView()->compressButton(),
             window().planView()->heatmap()->metricBox()}) {
        const QRect place = placeOf(*widget);
        EXPECT_GT(unlike(changed(right,
                                 [&](QPainter& painter) {
                                     painter.drawImage(place.topLeft() + QPoint(0, 6), right,
                                                       place);
                                 })),
                  2 * kUnlikeness)
            << "moved down by six pixels: " << widget->metaObject()->className();
    }
}

TEST_P(GoldenWindow, TheComparisonForgivesEdgesThatAreDrawnOtherwise) {
    openIn(Mode::Plan);
    const QImage right = now(u"compared"_s);
    const QImage shifted = changed(right, [&right](QPainter& painter) {
        painter.setOpacity(0.25); // a quarter of a pixel to the right
        painter.drawImage(QPoint(1, 0), right);
    });
    EXPECT_NE(right, shifted);
    EXPECT_LT(unlikeness(halved(right), halved(shifted)), kUnlikeness);
}

} // namespace
} // namespace caldera::studio
