#include "app/studio/main_window.h"

#include <QAbstractButton>
#include <QAbstractItemView>
#include <QAbstractSpinBox>
#include <QComboBox>
#include <QDir>
#include <QDockWidget>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QMenu>
#include <QMenuBar>
#include <QPushButton>
#include <QRegularExpression>
#include <QScrollArea>
#include <QSettings>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTabWidget>
#include <QTranslator>

#include "app/studio/screenshots.h"
#include "core/base/paths.h"
#include "tests/gui/studio/example_model.h"
#include "tests/gui/studio/studio_fixture.h"
#include "widgets/cell_panel/cell_panel.h"
#include "widgets/inspect_view/inspect_view.h"
#include "widgets/model_view/model_view.h"
#include "widgets/plan_view/plan_settings.h"
#include "widgets/support/command_palette.h"
#include "widgets/support/empty_state.h"
#include "widgets/support/error_banner.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

class MainWindowTest : public StudioFixture {
protected:
    QString exampleReportFile() {
        const QString file = root_.filePath(u"report.h5"_s);
        writeReport(exampleReport(), file.toStdString());
        return file;
    }
};

TEST_F(MainWindowTest, TheFirstStartShowsTheDemoModelInPlan) {
    openDemo();
    EXPECT_EQ(window().mode(), Mode::Plan);
    EXPECT_EQ(window().session().facts()->config.layerCount, 8);
    EXPECT_EQ(window().planView()->heatmap()->grid().layerCount(), 8);
    EXPECT_TRUE(window().planView()->compressButton()->isVisible());
    EXPECT_FALSE(window().planView()->heatmap()->grid().anyUnmeasured());
    EXPECT_EQ(window().planView()->heatmap()->metricId(), u"kl"_s) << "what counts in the end";
}

TEST_F(MainWindowTest, TheNextStartShowsWhatTheLastOneDid) {
    openDemo();
    window().setMode(Mode::Runs);
    window_.reset();
    window().openAtStart();
    ASSERT_TRUE(settled());
    EXPECT_EQ(window().mode(), Mode::Runs);
}

TEST_F(MainWindowTest, ABadFileIsExplainedWhereItWasOpened) {
    const QString path = root_.filePath(u"broken.gguf"_s);
    QFile file(path);
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    file.write("GGUF but not for long");
    file.close();
    window().openPath(path);
    ASSERT_TRUE(settled());
    ErrorBanner* banner = window().modelView()->banner();
    EXPECT_TRUE(banner->isVisible());
    EXPECT_TRUE(banner->sentence().contains(u"broken.gguf"_s)) << banner->sentence().toStdString();
    EXPECT_TRUE(window().session().facts() == nullptr);
}

TEST_F(MainWindowTest, AFailureLeavesWhatIsOpenAlone) {
    openDemo();
    window().openReport(root_.filePath(u"missing.h5"_s));
    ASSERT_TRUE(settled());
    EXPECT_TRUE(window().inspectView()->banner()->isVisible());
    EXPECT_EQ(window().session().facts()->config.layerCount, 8);
}

TEST_F(MainWindowTest, ShortcutsChooseTheModes) {
    for (const auto& [key, mode] :
         {std::pair(Qt::Key_5, Mode::Chat), std::pair(Qt::Key_2, Mode::Plan),
          std::pair(Qt::Key_3, Mode::Runs), std::pair(Qt::Key_4, Mode::Inspect),
          std::pair(Qt::Key_1, Mode::Model)}) {
        QTest::keyClick(&window(), key, Qt::ControlModifier);
        EXPECT_EQ(window().mode(), mode);
    }
}

TEST_F(MainWindowTest, TheCellPanelIsThereWhereCellsAreShown) {
    auto* dock = window().findChild<QDockWidget*>(u"cellDock"_s);
    const std::array all = {Mode::Plan, Mode::Chat, Mode::Inspect, Mode::Model};
    for (const Mode mode : all) {
        window().setMode(mode);
        EXPECT_FALSE(dock->isVisible()) << "nothing is open";
    }
    window().openPath(unmeasuredModel());
    ASSERT_TRUE(settled());
    window().setMode(Mode::Inspect);
    EXPECT_FALSE(dock->isVisible()) << "nothing is measured";
    window().openReport(exampleReportFile());
    ASSERT_TRUE(settled());
    for (const Mode mode : all) {
        window().setMode(mode);
        EXPECT_EQ(dock->isVisible(), mode == Mode::Plan || mode == Mode::Inspect);
    }
}

TEST_F(MainWindowTest, TheCellPanelIsNeverWiderThanItsDock) {
    openDemo();
    window().openReport(exampleReportFile());
    ASSERT_TRUE(settled());
    for (const Mode mode : {Mode::Plan, Mode::Inspect}) {
        for (const QSize size : {QSize(1440, 900), QSize(1024, 700)}) {
            window().resize(size);
            window().setMode(mode);
            window().pinMostFragile();
            QTest::qWait(1);
            auto* area = window().cellPanel()->findChild<QScrollArea*>();
            EXPECT_LE(area->widget()->width(), area->viewport()->width());
            EXPECT_LE(area->width(), window().findChild<QDockWidget*>(u"cellDock"_s)->width());
        }
    }
}

TEST_F(MainWindowTest, EmptyStatesShowTheirWholeSentence) {
    for (const Mode mode : {Mode::Model, Mode::Plan, Mode::Runs, Mode::Inspect, Mode::Chat}) {
        window().setMode(mode);
        QTest::qWait(1);
        for (const EmptyState* empty : window().findChildren<EmptyState*>()) {
            for (const QLabel* label : empty->findChildren<QLabel*>()) {
                if (label->isVisible() && label->wordWrap()) {
                    EXPECT_GE(label->height(), label->heightForWidth(label->width()))
                        << label->text().toStdString();
                }
            }
        }
    }
}

TEST_F(MainWindowTest, ARecentCardCarriesThePictureOfTheHeatmap) {
    window().openPath(unmeasuredModel());
    ASSERT_TRUE(settled());
    EXPECT_EQ(RecentItems().items().first().picture.count(char(-1)), 56) << "nothing is measured";
    window().openReport(exampleReportFile());
    ASSERT_TRUE(settled());
    EXPECT_EQ(RecentItems().items().first().picture.count(char(-1)), 28) << "4 of 8 layers are";
}

TEST_F(MainWindowTest, EmbeddingsAndHeadStandBelowTheLayers) {
    openDemo();
    const CellGridModel& grid = window().planView()->heatmap()->grid();
    const QList<WideCell>& cells = grid.wideCells();
    ASSERT_EQ(cells.size(), 1) << "the head is tied";
    EXPECT_TRUE(cells[0].text.contains(u"16 bits"_s));
    EXPECT_TRUE(cells[0].toolTip.contains(u"measured"_s)) << cells[0].toolTip.toStdString();
    window().session().plan().setEmbeddingBits(8);
    EXPECT_TRUE(cells[0].text.contains(u"8 bits"_s));
    QTest::mouseClick(view().viewport(), Qt::LeftButton, {},
                      view().visualRect(grid.wideIndexOf(0)).center());
    QComboBox* bits = window().planView()->settings()->embeddingsBox();
    EXPECT_TRUE(bits->view()->isVisible()) << "a click offers other bits";
    bits->hidePopup();
    view().setFocus();
    view().setCurrentIndex(grid.indexOf({5, Module::UpProj}));
    press(Qt::Key_Down);
    press(Qt::Key_Down);
    press(Qt::Key_4);
    EXPECT_EQ(plan().undoStack().count(), 1) << "keys of cells leave tables alone";
    press(Qt::Key_Return);
    EXPECT_TRUE(bits->view()->isVisible()) << "and so does Enter";
    QTest::keyClick(bits->view(), Qt::Key_Down);
    QTest::keyClick(bits->view(), Qt::Key_Return);
    EXPECT_EQ(plan().plan().embeddingBits, 4);
}

TEST_F(MainWindowTest, AReportAloneFillsInspect) {
    window().openReport(exampleReportFile());
    ASSERT_TRUE(settled());
    EXPECT_EQ(window().mode(), Mode::Inspect);
    CellGridModel& grid = window().inspectView()->heatmap()->grid();
    ASSERT_EQ(grid.layerCount(), 4);
    EXPECT_DOUBLE_EQ(*grid.cellAt({3, Module::DownProj}).value,
                     exampleError({3, Module::DownProj}));
    window().pinMostFragile();
    ASSERT_TRUE(window().cellPanel()->details().has_value());
    EXPECT_EQ(window().cellPanel()->details()->cell, (Cell{3, Module::DownProj}));
    EXPECT_EQ(window().cellPanel()->details()->weightSpectrum.size(), 4);
}

TEST_F(MainWindowTest, AReportOpenedRightAfterAModelJoinsIt) {
    const QString file = exampleReportFile();
    window().openAtStart();
    window().openReport(file);
    ASSERT_TRUE(settled());
    ASSERT_TRUE(window().session().facts() != nullptr);
    EXPECT_EQ(window().session().facts()->config.layerCount, 8);
    EXPECT_TRUE(window().session().report() != nullptr);
}

TEST_F(MainWindowTest, AFragilityReportLeavesTheErrorsOfTheResultAlone) {
    window().openReport(exampleReportFile());
    ASSERT_TRUE(settled());
    Report fragility = exampleReport();
    FidelityMetric proxy{"proxy", "example", {}};
    for (auto& [cell, measured] : fragility.cells) {
        measured.history.clear();
        proxy.values[cell] = 1;
    }
    fragility.fidelity = {proxy};
    const QString file = root_.filePath(u"fidelity.h5"_s);
    writeReport(fragility, file.toStdString());
    window().openReport(file);
    ASSERT_TRUE(settled());
    ASSERT_NE(window().session().metric(u"proxy"_s), nullptr);
    const Cell cell{3, Module::DownProj};
    EXPECT_EQ(window().session().metric(u"error"_s)->values.at(cell), exampleError(cell));
    EXPECT_FALSE(window().session().cellReport(cell)->history.empty());
}

TEST_F(MainWindowTest, TheRankOfThePlanIsUndoneByName) {
    openDemo();
    QSpinBox* rank = window().planView()->settings()->rankBox();
    const int before = rank->value();
    const int64_t bytes = window().session().plan().size().total();
    rank->setValue(before == 32 ? 48 : 32);
    EXPECT_NE(window().session().plan().size().total(), bytes);
    EXPECT_TRUE(window().session().plan().undoStack().undoText().contains(u"rank"_s));
    QTest::keyClick(&window(), Qt::Key_Z, Qt::ControlModifier);
    EXPECT_EQ(rank->value(), before);
    EXPECT_EQ(window().session().plan().size().total(), bytes);
}

TEST_F(MainWindowTest, TheCommandPaletteRunsWhatIsTyped) {
    QTest::keyClick(&window(), Qt::Key_K, Qt::ControlModifier);
    CommandPalette* palette = window().commandPalette();
    ASSERT_TRUE(palette->isVisible());
    EXPECT_GT(palette->list()->model()->rowCount(), 15);
    QTest::keyClicks(palette->filter(), u"go to insp"_s);
    QTest::keyClick(palette->filter(), Qt::Key_Return);
    EXPECT_FALSE(palette->isVisible());
    EXPECT_EQ(window().mode(), Mode::Inspect);
}

TEST_F(MainWindowTest, SwitchingTheThemeRepaintsTheHeatmap) {
    Theme::current().setChoice(SchemeChoice::Dark);
    window().openReport(exampleReportFile());
    ASSERT_TRUE(settled());
    HeatmapView* view = window().inspectView()->heatmap()->view();
    const auto fragile = [&] {
        const QRect area = view->visualRect(
            window().inspectView()->heatmap()->grid().indexOf({3, Module::DownProj}));
        return view->viewport()->grab().toImage().pixelColor(area.topLeft() + QPoint(4, 4));
    };
    EXPECT_EQ(fragile(), Theme::sequential(1, Scheme::Dark));
    Theme::current().setChoice(SchemeChoice::Light);
    EXPECT_EQ(fragile(), Theme::sequential(1, Scheme::Light));
}

TEST_F(MainWindowTest, ScreenshotsShowEveryModeInBothThemesAndSizes) {
    window().openReport(exampleReportFile());
    const QString folder = root_.filePath(u"pictures"_s);
    Screenshots pictures(window(), folder, {});
    QSignalSpy finished(&pictures, &Screenshots::finished);
    pictures.start();
    ASSERT_TRUE(QTest::qWaitFor([&] { return finished.count() > 0; }, 60000));
    EXPECT_EQ(finished[0][0].toString(), QString());
    const QStringList files = QDir(folder).entryList({u"*.png"_s});
    EXPECT_EQ(files.size(), 5 * 2 * 2);
    EXPECT_EQ(QImage(QDir(folder).filePath(u"inspect-light-1440x900.png"_s)).size(),
              QSize(1440, 900));
    EXPECT_EQ(QImage(QDir(folder).filePath(u"chat-dark-1024x700.png"_s)).size(), QSize(1024, 700));
}

TEST_F(MainWindowTest, ScreenshotsSayThatThereIsNobodyToAsk) {
    window().openReport(exampleReportFile());
    const QString folder = root_.filePath(u"pictures"_s);
    Screenshots pictures(window(), folder, {u"Hello"_s});
    QSignalSpy finished(&pictures, &Screenshots::finished);
    pictures.start();
    ASSERT_TRUE(QTest::qWaitFor([&] { return finished.count() > 0; }, kPatience));
    EXPECT_TRUE(finished[0][0].toString().contains(u"no compressed model"_s));
    EXPECT_FALSE(QDir(folder).exists());
}

/// Puts every translated text into brackets, so that what is not translated shows.
class BracketTranslator : public QTranslator {
public:
    bool isEmpty() const override { return false; }
    QString translate(const char*, const char* source, const char*, int) const override {
        return u'\u27e6' + QString::fromUtf8(source) + u'\u27e7';
    }
};

/// Texts without letters (figures, signs) and hashes need no translation.
bool needsTranslation(const QString& text) {
    static const QRegularExpression hash(u"^[0-9a-f]{16,}$"_s);
    if (hash.match(text).hasMatch()) {
        return false;
    }
    return std::any_of(text.begin(), text.end(), [](QChar c) { return c.isLetter(); });
}

bool isData(const QWidget* widget) {
    for (const QWidget* at = widget; at != nullptr; at = at->parentWidget()) {
        if (at->property("isData").toBool()) {
            return true;
        }
    }
    return widget->font().family() == Theme::current().numberFont().family();
}

void expectTranslated(const QString& text, const QString& where) {
    if (needsTranslation(text)) {
        EXPECT_TRUE(text.contains(u'\u27e6')) << where.toStdString() << ": " << text.toStdString();
    }
}

QString placeOf(const QWidget* widget) {
    QStringList names;
    for (const QWidget* at = widget; at != nullptr; at = at->parentWidget()) {
        names.prepend(QString::fromLatin1(at->metaObject()->className()));
    }
    return names.join(u" > "_s);
}

void expectWidgetTranslated(const QWidget* widget) {
    const QString where = placeOf(widget);
    if (isData(widget)) {
        return;
    }
    expectTranslated(widget->toolTip(), where + u" tooltip"_s);
    expectTranslated(widget->accessibleName(), where + u" accessible name"_s);
    if (const auto* label = qobject_cast<const QLabel*>(widget)) {
        expectTranslated(label->text(), where);
    } else if (const auto* button = qobject_cast<const QAbstractButton*>(widget)) {
        expectTranslated(button->text(), where);
    } else if (const auto* field = qobject_cast<const QLineEdit*>(widget)) {
        expectTranslated(field->placeholderText(), where);
    } else if (const auto* tabs = qobject_cast<const QTabWidget*>(widget)) {
        for (int tab = 0; tab < tabs->count(); ++tab) {
            expectTranslated(tabs->tabText(tab), where);
        }
    } else if (const auto* dock = qobject_cast<const QDockWidget*>(widget)) {
        expectTranslated(dock->windowTitle(), where);
    }
}

TEST_F(MainWindowTest, EveryVisibleTextIsTranslated) {
    BracketTranslator translator;
    QCoreApplication::installTranslator(&translator);
    openDemo();
    window().openReport(exampleReportFile());
    ASSERT_TRUE(settled());
    for (const Mode mode : {Mode::Model, Mode::Plan, Mode::Runs, Mode::Inspect, Mode::Chat}) {
        window().setMode(mode);
        window().pinMostFragile();
        QTest::qWait(1);
        for (const QWidget* widget : window().findChildren<QWidget*>()) {
            if (widget->isVisible()) {
                expectWidgetTranslated(widget);
            }
        }
    }
    for (const QAction* action : window().findChildren<QAction*>()) {
        if (action->isVisible() && action->menu() == nullptr) {
            expectTranslated(action->text(), u"action"_s);
        }
    }
    QCoreApplication::removeTranslator(&translator);
}

TEST_F(MainWindowTest, TheWindowReopensWithItsPanelClosed) {
    window().setMode(Mode::Plan);
    window().findChild<QDockWidget*>(u"cellDock"_s)->close();
    window().close();
    window_.reset();
    window().setMode(Mode::Plan);
    EXPECT_FALSE(window().findChild<QDockWidget*>(u"cellDock"_s)->isVisible());
}

} // namespace
} // namespace caldera::studio
