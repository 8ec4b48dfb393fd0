// The real main window with folders of its own, and the hands of a person on its heatmap.
#pragma once

#include <QApplication>
#include <QSettings>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "app/studio/main_window.h"
#include "core/base/paths.h"
#include "widgets/heatmap/heatmap_editor.h"
#include "widgets/heatmap/heatmap_view.h"
#include "widgets/plan_view/plan_view.h"

namespace caldera::studio {

class StudioFixture : public ::testing::Test {
protected:
    static constexpr int kPatience = 20000;

    StudioFixture() { QSettings().clear(); }

    MainWindow& window() {
        if (!window_) {
            window_ = std::make_unique<MainWindow>(WindowPlaces{
                root_.filePath(QStringLiteral("jobs")), root_.filePath(QStringLiteral("chats")),
                QStringLiteral("/nonexistent/caldera"), root_.filePath(QStringLiteral("unsaved")),
                root_.filePath(QStringLiteral("targets"))});
            window_->resize(1280, 800);
            window_->show();
            window_->activateWindow();
            EXPECT_TRUE(QTest::qWaitForWindowActive(window_.get())); // shortcuts need it
        }
        return *window_;
    }
    bool settled() {
        return QTest::qWaitFor([this] { return !window().session().busy(); }, kPatience);
    }
    void openDemo() {
        window().openAtStart();
        ASSERT_TRUE(settled());
        ASSERT_TRUE(window().session().facts() != nullptr);
        view().setFocus();
    }

    /// A copy of the demo model without what was measured of it.
    QString unmeasuredModel() const {
        const QString folder = root_.filePath(QStringLiteral("unmeasured"));
        std::filesystem::copy(resourcesFolder() / "demo-model", folder.toStdString(),
                              std::filesystem::copy_options::recursive);
        std::filesystem::remove(folder.toStdString() + "/fidelity.h5");
        return folder;
    }

    /// Ends the studio and starts it again.
    void startAgain() {
        window_.reset();
        openDemo();
        window().setMode(Mode::Plan);
        view().setFocus();
    }

    PlanDocument& plan() { return window().session().plan(); }
    HeatmapView& view() { return *window().planView()->heatmap()->view(); }
    PaintState& paint() { return window().planView()->editor()->paint(); }
    QPoint centerOf(Cell cell) {
        return view().visualRect(window().planView()->heatmap()->grid().indexOf(cell)).center();
    }
    void click(Cell cell, Qt::KeyboardModifiers modifiers = {}) {
        QTest::mouseClick(view().viewport(), Qt::LeftButton, modifiers, centerOf(cell));
    }
    void press(Qt::Key key, Qt::KeyboardModifiers modifiers = {}) {
        if (QApplication::focusWidget() == nullptr) { // a dialog has just gone
            window().activateWindow();
            EXPECT_TRUE(QTest::qWaitForWindowActive(&window()));
            view().setFocus();
        }
        QTest::keyClick(QApplication::focusWidget(), key, modifiers);
    }
    /// Presses, moves over the cells, lets go.
    void drag(std::initializer_list<Cell> way) {
        const QWidget* area = view().viewport();
        auto* target = const_cast<QWidget*>(area);
        QTest::mousePress(target, Qt::LeftButton, {}, centerOf(*way.begin()));
        for (const Cell cell : way) {
            // QTest::mouseMove carries no buttons.
            QMouseEvent move(QEvent::MouseMove, centerOf(cell), target->mapToGlobal(centerOf(cell)),
                             Qt::NoButton, Qt::LeftButton, {});
            QApplication::sendEvent(target, &move);
        }
        QTest::mouseRelease(target, Qt::LeftButton, {}, centerOf(*std::prev(way.end())));
    }

    QTemporaryDir root_;
    std::unique_ptr<MainWindow> window_;
};

} // namespace caldera::studio
