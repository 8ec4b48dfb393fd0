// Rented pods in the studio's window.
#include <QAction>
#include <QDialog>
#include <QLineEdit>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include "app/studio/main_window.h"
#include "app/studio/pod_actions.h"
#include "tests/gui/pictures.h"
#include "widgets/pods/pod_page.h"
#include "widgets/pods/pod_strip.h"
#include "widgets/remote/pod_record.h"
#include "widgets/support/error_banner.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

/// A window with folders of its own, on a desktop without a keyring.
class PodWindow : public ::testing::Test {
protected:
    PodWindow() {
        qputenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        places_ = {
            root_.filePath(u"jobs"_s),    root_.filePath(u"chats"_s),   u"/nonexistent"_s,
            root_.filePath(u"unsaved"_s), root_.filePath(u"targets"_s), root_.filePath(u"pods"_s)};
    }
    QTemporaryDir root_;
    WindowPlaces places_;
};

} // namespace

TEST_F(PodWindow, OpensThePageFromTheMenu) {
    MainWindow window(places_);
    window.show();
    EXPECT_FALSE(window.findChild<PodStrip*>()->isVisible()); // nothing is rented
    const QList<QAction*> actions = window.findChildren<QAction*>();
    const auto found = std::find_if(actions.begin(), actions.end(), [](const QAction* action) {
        return action->text() == u"Rented pods…"_s;
    });
    ASSERT_NE(found, actions.end());
    (*found)->trigger();
    auto* dialog = window.findChild<QDialog*>(u"podDialog"_s);
    ASSERT_NE(dialog, nullptr);
    auto* page = dialog->findChild<PodPage*>();
    ASSERT_NE(page, nullptr);
    EXPECT_LE(dialog->height(), 660) << "with its frame on a screen of 1024x700";
    for (const SchemeChoice scheme : {SchemeChoice::Dark, SchemeChoice::Light})
        (void)picture(*dialog, u"pod-dialog"_s, scheme);
    QTest::keyClick(page->findChild<QLineEdit*>(), Qt::Key_Return);
    QTest::keyClick(dialog, Qt::Key_Enter);
    EXPECT_TRUE(dialog->isVisible()) << "Enter closes it";
    dialog->reject();
}

TEST_F(PodWindow, StartsWithARentedPodAndWithoutItsKey) {
    PodRecord record;
    record.jobId = u"job-1"_s;
    record.request.name = podName(record.jobId);
    savePodRecord(places_.pods, record);
    MainWindow window(places_);
    window.show();
    const auto isTold = [&window] {
        const QList<ErrorBanner*> banners = window.findChildren<ErrorBanner*>();
        return std::any_of(banners.begin(), banners.end(), [](const ErrorBanner* banner) {
            return banner->sentence().contains(u"A pod may be rented and cost money"_s);
        });
    };
    EXPECT_TRUE(QTest::qWaitFor(isTold, 20000)) << "the keyring has no key";
    EXPECT_EQ(window.podActions().service().provider(), nullptr);
}

} // namespace caldera::studio
