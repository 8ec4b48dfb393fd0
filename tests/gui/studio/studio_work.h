// The studio with the real `caldera` and the demo model, as tests of its runs begin with it.
#pragma once

#include <memory>

#include <QLineEdit>
#include <QPushButton>
#include <QSettings>
#include <QSpinBox>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include "app/studio/main_window.h"
#include "tests/gui/pictures.h"
#include "widgets/jobs/job_service.h"
#include "widgets/plan_view/begin_dialog.h"
#include "widgets/plan_view/launch_dialog.h"
#include "widgets/plan_view/plan_view.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

inline constexpr int kPatience = 180'000; ///< machines that run tests may be slow
inline constexpr int kCompressedLayers = 2;

class StudioWork : public ::testing::Test {
protected:
    StudioWork() { QSettings().clear(); }

    void openWindow(const QString& worker = QStringLiteral(WORKER)) {
        window_ = std::make_unique<MainWindow>(
            WindowPlaces{root_.filePath(u"jobs"_s), root_.filePath(u"chats"_s), worker,
                         root_.filePath(u"unsaved"_s), root_.filePath(u"targets"_s)});
        window_->resize(1280, 800);
        window_->show();
    }
    /// For eyes: with $CALDERA_PICTURES set, writes what the widget looks like.
    static void photograph(QWidget& widget, const QString& name) {
        if (qEnvironmentVariableIsSet("CALDERA_PICTURES")) {
            picture(widget, name, SchemeChoice::Light);
            picture(widget, name, SchemeChoice::Dark);
        }
    }
    template <typename Condition>
    bool wait(Condition condition) {
        return QTest::qWaitFor(condition, kPatience);
    }
    /// The demo model with a plan that leaves most layers as they are, to be quick.
    void openDemo() {
        window_->openAtStart();
        ASSERT_TRUE(wait([&] { return !window_->session().busy(); }));
        skipMostLayers();
    }
    void skipMostLayers() {
        PlanDocument& plan = window_->session().plan();
        for (int layer = kCompressedLayers; layer < plan.config().layerCount; ++layer) {
            for (const Module module : kModules) {
                plan.setCellSkipped({layer, module}, true);
            }
        }
    }
    /// Starts the compression as a person does: button, dialog, Start.
    void compress() {
        window_->planView()->compressButton()->click();
        LaunchDialog* dialog = nullptr;
        ASSERT_TRUE(wait([&] {
            dialog = window_->findChild<LaunchDialog*>();
            return dialog != nullptr && dialog->isVisible();
        }));
        dialog->folder()->setText(artifact());
        dialog->findChild<QSpinBox*>()->setValue(256);
        photograph(*dialog, u"launch-dialog"_s);
        dialog->accept();
        ASSERT_TRUE(wait([&] { return window_->jobs().jobs().size() == 1; }));
        id_ = window_->jobs().jobs().first().id;
    }
    BeginDialog* beginDialog() {
        BeginDialog* dialog = nullptr;
        wait([&] {
            dialog = window_->findChild<BeginDialog*>();
            return dialog != nullptr && dialog->isVisible();
        });
        return dialog;
    }
    bool aCellIsFinished() {
        return wait([&] {
            const MetricLayer* live = window_->session().metric(u"live"_s);
            return (live != nullptr && !live->values.empty()) || hasEnded();
        });
    }
    bool hasEnded() const { return !job().id.isEmpty() && !job().active(); }
    JobSummary job() const { return window_->jobs().job(id_); }
    QString artifact() const { return root_.filePath(u"artifact"_s); }
    /// Names of the cells that the run has finished, each once per event.
    QStringList finishedCells() const {
        QStringList names;
        for (const JobCell& cell : window_->jobs().history(id_).cells()) {
            names.append(QString::number(cell.layer) + cell.module);
        }
        return names;
    }

    QTemporaryDir root_;
    std::unique_ptr<MainWindow> window_;
    QString id_;
};

} // namespace caldera::studio
