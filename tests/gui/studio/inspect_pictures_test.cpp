// Inspect as it looks with a compressed model of 80 layers: for eyes (CALDERA_PICTURES=FOLDER) and
// for simple claims about what can be seen.
#include <QComboBox>
#include <QTabWidget>

#include "tests/gui/pictures.h"
#include "tests/gui/studio/example_model.h"
#include "tests/gui/studio/measured_run.h"
#include "tests/gui/studio/studio_fixture.h"
#include "widgets/inspect_view/channels_page.h"
#include "widgets/inspect_view/compare_page.h"
#include "widgets/inspect_view/course_pages.h"
#include "widgets/inspect_view/depth_page.h"
#include "widgets/inspect_view/inspect_view.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

class InspectPictures : public StudioFixture {
protected:
    InspectPictures() {
        ModelConfig config = exampleConfig(80);
        config.hiddenSize = 512;
        config.intermediateSize = 1024;
        OpenResult result = measuredModel(config);
        result.fidelity.reset();
        result.report = std::make_shared<const Report>(measuredRun(config));
        result.evaluations = result.report->evaluations;
        other_ = root_.filePath(u"other.h5"_s);
        Report other = measuredRun(config, 0.8);
        for (auto& [cell, measured] : other.cells) { // better at first, worse at last
            measured.relativeError *= 1 + 0.5 * cell.layer / config.layerCount;
            measured.bytes += 1000;
        }
        writeReport(other, other_.toStdString());
        window().resize(1440, 900);
        window().session().show(result);
        window().setMode(Mode::Inspect);
        window().inspectView()->heatmap()->view()->pin(Cell{40, Module::OProj});
    }
    ~InspectPictures() override { Theme::current().setChoice(SchemeChoice::System); }

    InspectView& inspect() { return *window().inspectView(); }
    void overlay(Overlay overlay) {
        QComboBox* box = inspect().history()->overlayBox();
        box->setCurrentIndex(box->findData(static_cast<int>(overlay)));
        Q_EMIT box->activated(box->currentIndex());
    }
    /// Pictures of a page; its plots show something.
    void look(QWidget* page, const QString& name) {
        inspect().tabs()->setCurrentWidget(page);
        for (const SchemeChoice scheme : {SchemeChoice::Dark, SchemeChoice::Light}) {
            EXPECT_EQ(picture(window(), name, scheme).size(), window().size());
        }
        for (const Plot* plot : page->findChildren<Plot*>()) {
            EXPECT_FALSE(plot->curves().isEmpty()) << name.toStdString();
        }
    }

    QString other_;
};

TEST_F(InspectPictures, TheCourseOfTheError) {
    overlay(Overlay::Layer);
    look(inspect().history(), u"inspect-history-layer"_s);
}

TEST_F(InspectPictures, SingularValues) {
    look(inspect().spectra(), u"inspect-spectra"_s);
    overlay(Overlay::Module);
    look(inspect().spectra(), u"inspect-spectra-module"_s);
}

TEST_F(InspectPictures, RowsAndColumns) {
    look(inspect().channels(), u"inspect-channels"_s);
    window().resize(1024, 700);
    look(inspect().channels(), u"inspect-channels-small"_s);
}

TEST_F(InspectPictures, TheDepth) {
    look(inspect().depth(), u"inspect-depth"_s);
}

TEST_F(InspectPictures, AllCells) {
    inspect().tabs()->setCurrentIndex(4);
    look(inspect().tabs()->currentWidget(), u"inspect-cells"_s);
}

TEST_F(InspectPictures, TwoRuns) {
    inspect().tabs()->setCurrentWidget(inspect().compare());
    inspect().compare()->compareWith(other_);
    ASSERT_TRUE(
        QTest::qWaitFor([&] { return inspect().compare()->pair().there != nullptr; }, kPatience));
    look(inspect().compare(), u"inspect-compare"_s);
    window().resize(1024, 700);
    look(inspect().compare(), u"inspect-compare-small"_s);
}

} // namespace
} // namespace caldera::studio
