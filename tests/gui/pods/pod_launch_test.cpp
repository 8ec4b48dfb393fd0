// One click from the launch dialog to a result that was made on a rented pod, in the real window.
#include <QComboBox>
#include <QFile>
#include <QLineEdit>
#include <QPushButton>
#include <QSettings>
#include <QSpinBox>
#include <QTableView>

#include "app/studio/main_window.h"
#include "app/studio/pod_actions.h"
#include "core/base/paths.h"
#include "core/plan/time_estimate.h"
#include "tests/gui/pictures.h"
#include "tests/gui/remote/pod_world.h"
#include "widgets/plan_view/launch_dialog.h"
#include "widgets/plan_view/plan_view.h"
#include "widgets/pods/pod_choice.h"
#include "widgets/pods/pod_strip.h"
#include "widgets/runs/job_details.h"
#include "widgets/runs/jobs_model.h"
#include "widgets/runs/runs_view.h"
#include "widgets/support/labels.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kPatience = 180'000;
constexpr int kCompressedLayers = 1;

class PodLaunchTest : public PodWorld {
protected:
    PodLaunchTest() : PodWorld(kPatience) {
        qputenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus"); // no keyring
        QSettings().clear();
    }
    void SetUp() override {
        PodWorld::SetUp();
        closeStudio(); // the window is the studio
        bundle_ = bundle(false);
        settings_.gpus = {u"NVIDIA GeForce RTX 3090"_s, u"NVIDIA A100 80GB PCIe"_s};
        settings_.volumeId = u"vol_models"_s;
        settings_.dataCenter = u"EU-RO-1"_s;
        settings_.bundle = bundle_.archive;
        settings_.volumePath = volume();
        QSettings kept;
        writePodSettings(kept, settings_);
    }
    void openWindow(bool withKey = true) {
        window_ = std::make_unique<MainWindow>(
            WindowPlaces{root_.filePath(u"jobs"_s),
                         root_.filePath(u"chats"_s),
                         u"/nonexistent/caldera"_s,
                         root_.filePath(u"unsaved"_s),
                         root_.filePath(u"targets"_s),
                         root_.filePath(u"pods"_s),
                         {QUrl(QString::fromStdString(runpod_.url())), shortPodTiming()}});
        window_->resize(1280, 800);
        window_->show();
        if (withKey)
            window_->podActions().secrets().write(QString::fromUtf16(kRunpodKeyName),
                                                  QString::fromStdString(runpod_.key()),
                                                  SecretPlace::Session);
    }
    /// The dialog of a compression of the demo model, on a pod.
    LaunchDialog* openDialog() {
        window_->openAtStart();
        EXPECT_TRUE(wait([&] { return !window_->session().busy(); }));
        PlanDocument& plan = window_->session().plan();
        for (int layer = kCompressedLayers; layer < plan.config().layerCount; ++layer) {
            for (const Module module : kModules)
                plan.setCellSkipped({layer, module}, true);
        }
        window_->planView()->compressButton()->click();
        LaunchDialog* dialog = nullptr;
        EXPECT_TRUE(wait([&] {
            dialog = window_->findChild<LaunchDialog*>();
            return dialog != nullptr && dialog->isVisible();
        }));
        dialog->targetChoice()->setCurrentText(u"Rented pod (RunPod)"_s);
        dialog->findChild<QSpinBox*>()->setValue(256);
        EXPECT_TRUE(dialog->modelThere()->isVisible());
        dialog->modelThere()->setText(QStringLiteral(CALDERA_SOURCE_DIR) +
                                      u"/resources/demo-model"_s);
        return dialog;
    }
    template <typename Condition>
    bool wait(Condition condition) {
        return QTest::qWaitFor(condition, kPatience);
    }
    static QString estimateOf(const LaunchDialog& dialog) {
        return dialog.podChoice()->findChild<ToneLabel*>(u"podEstimate"_s)->text();
    }
    void photograph(QWidget& widget, const QString& name) {
        if (qEnvironmentVariableIsSet("CALDERA_PICTURES")) {
            picture(widget, name, SchemeChoice::Light);
            picture(widget, name, SchemeChoice::Dark);
        }
    }

    PodSettings settings_;
    std::unique_ptr<MainWindow> window_;
};

} // namespace

TEST_F(PodLaunchTest, OneClickRentsCompressesAndGivesBack) {
    openWindow();
    LaunchDialog* dialog = openDialog();
    ASSERT_TRUE(wait([&] { return dialog->startButton()->isEnabled(); }))
        << estimateOf(*dialog).toStdString();
    photograph(*dialog, u"launch-pod"_s);
    dialog->startButton()->click();
    ASSERT_TRUE(wait([&] { return window_->jobs().jobs().size() == 1; }));
    const QString id = window_->jobs().jobs().first().id;
    window_->setMode(Mode::Runs);
    ASSERT_TRUE(wait([&] { return window_->podActions().service().hourlyPrice() > 0; }));
    EXPECT_FALSE(window_->findChild<PodStrip*>()->lines().isEmpty());
    photograph(*window_, u"runs-pod-begins"_s);
    ASSERT_TRUE(wait([&] { return !window_->jobs().history(id).cells().isEmpty(); }))
        << window_->jobs().job(id).message.toStdString();
    photograph(*window_, u"runs-pod"_s);
    const auto* cost = window_->runsView()->details()->findChild<ToneLabel*>(u"podCost"_s);
    EXPECT_TRUE(cost->text().contains(u"$0.46 an hour"_s)) << cost->text().toStdString();
    runpod_.advance(600);
    ASSERT_TRUE(wait([&] { return !window_->jobs().job(id).active(); }));
    ASSERT_EQ(window_->jobs().job(id).phase, u"done"_s)
        << window_->jobs().job(id).message.toStdString();
    EXPECT_TRUE(podsAreGone());
    ASSERT_TRUE(wait([&] { return cost->text().contains(u"given back"_s); }));
    photograph(*window_, u"runs-pod-done"_s);

    window_.reset(); // a later studio knows what it has cost, without any key
    openWindow(false);
    window_->setMode(Mode::Runs);
    JobsModel* model = window_->runsView()->model();
    ASSERT_TRUE(wait([&] { return model->spent().value_or(0) > 0.07; }));
    EXPECT_NEAR(*model->spent(), runpod_.spent(), 0.01);
    photograph(*window_, u"runs-pod-later"_s);
}

TEST_F(PodLaunchTest, WhatEarlierRunsTookSaysWhatThisOneCosts) {
    constexpr double kHour = 3600;
    openWindow();
    window_->openAtStart();
    ASSERT_TRUE(wait([&] { return !window_->session().busy(); }));
    const PlanDocument& plan = window_->session().plan();
    const double documented =
        compressSecondsOnGpu(plan.cells()) * kCompressedLayers / plan.config().layerCount;
    SpeedLog::ofThisMachine().add({"compress", "NVIDIA GeForce RTX 3090"}, kHour,
                                  kHour * kHour / documented);
    LaunchDialog* dialog = openDialog();
    ASSERT_TRUE(wait([&] { return estimateOf(*dialog).contains(u"measured in 1 earlier run"_s); }))
        << estimateOf(*dialog).toStdString();
    photograph(*dialog, u"launch-pod-measured"_s);
    EXPECT_NEAR(dialog->settings().pod->work.workSeconds, kHour, 1);
    const auto fields = dialog->podChoice()->findChildren<QDoubleSpinBox*>();
    fields[1]->setValue(0.4);
    EXPECT_FALSE(dialog->startButton()->isEnabled()) << "work counts against the cap, too";
    EXPECT_TRUE(estimateOf(*dialog).contains(u"would cost about $0.52"_s))
        << estimateOf(*dialog).toStdString();
    std::filesystem::remove(stateFolder() / "speeds.jsonl");
}

TEST_F(PodLaunchTest, TheDialogSaysWhatIsMissing) {
    openWindow(false);
    LaunchDialog* dialog = openDialog();
    ASSERT_TRUE(wait([&] { return estimateOf(*dialog).contains(u"API key"_s); }))
        << estimateOf(*dialog).toStdString();
    EXPECT_FALSE(dialog->startButton()->isEnabled());
    photograph(*dialog, u"launch-pod-no-key"_s);
}

TEST_F(PodLaunchTest, ThePriceAndTheCapDecide) {
    openWindow();
    LaunchDialog* dialog = openDialog();
    ASSERT_TRUE(wait([&] { return dialog->startButton()->isEnabled(); }));
    EXPECT_TRUE(estimateOf(*dialog).contains(u"$10.00 pays for"_s))
        << estimateOf(*dialog).toStdString();
    const auto fields = dialog->podChoice()->findChildren<QDoubleSpinBox*>();
    ASSERT_EQ(fields.size(), 2);
    EXPECT_NEAR(dialog->settings().pod->hourlyPrice, 1.59, 1e-9)
        << "the cap is held against the dearest that may be rented";
    fields[1]->setValue(0.05); // a 3090 starts for 0.03, an A100 for 0.11
    EXPECT_FALSE(dialog->startButton()->isEnabled());
    EXPECT_TRUE(estimateOf(*dialog).contains(u"at $1.59 an hour"_s))
        << estimateOf(*dialog).toStdString();
    fields[1]->setValue(7.5);
    window_->podActions().settingsChanged(); // the person was at "Change…" and changed no limit
    EXPECT_EQ(fields[1]->value(), 7.5);
    settings_.cap = 8;
    QSettings kept;
    writePodSettings(kept, settings_);
    window_->podActions().settingsChanged();
    EXPECT_EQ(fields[1]->value(), 8) << "the person changed it there";
    fields[0]->setValue(0.3);
    EXPECT_FALSE(dialog->startButton()->isEnabled());
    EXPECT_TRUE(estimateOf(*dialog).contains(u"at most $0.30"_s));
    fields[0]->setValue(0.5);
    EXPECT_TRUE(dialog->startButton()->isEnabled());
    EXPECT_EQ(dialog->settings().pod->request.gpus, QStringList{u"NVIDIA GeForce RTX 3090"_s})
        << "the dearer one is not asked for";
    fields[1]->setValue(0.01);
    EXPECT_FALSE(dialog->startButton()->isEnabled()) << "starting alone costs more";
}

} // namespace caldera::studio
