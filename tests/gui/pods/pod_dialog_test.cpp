// What closing the dialog of rented pods does to what was typed.
#include "widgets/pods/pod_dialog.h"

#include <QDialogButtonBox>
#include <QDoubleSpinBox>
#include <QLineEdit>
#include <QMessageBox>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

#include "widgets/remote/runpod_provider.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

class PodDialogTest : public ::testing::Test {
protected:
    PodDialogTest() {
        qputenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus"); // no keyring
        dialog_ = std::make_unique<PodDialog>(
            secrets_,
            [](const QString& key) {
                return std::make_unique<RunpodProvider>(key, QUrl(u"http://127.0.0.1:1"_s));
            },
            PodSettings{});
        dialog_->show();
    }
    void typeCap(double dollars) {
        for (QDoubleSpinBox* field : dialog_->findChildren<QDoubleSpinBox*>()) {
            if (field->value() == PodSettings{}.cap)
                field->setValue(dollars);
        }
    }
    /// Presses Esc, and this button of the question.
    void leave(QMessageBox::StandardButton button) {
        QTest::keyClick(dialog_.get(), Qt::Key_Escape);
        answer(button);
    }
    void answer(QMessageBox::StandardButton button) {
        auto* question = dialog_->findChild<QMessageBox*>();
        ASSERT_NE(question, nullptr);
        question->button(button)->click();
        ASSERT_TRUE(QTest::qWaitFor([this] { return !dialog_->findChild<QMessageBox*>(); }));
    }

    SecretStore secrets_;
    std::unique_ptr<PodDialog> dialog_;
};

} // namespace

TEST_F(PodDialogTest, ClosesUnaskedWhereNothingWasTyped) {
    QTest::keyClick(dialog_.get(), Qt::Key_Escape);
    EXPECT_FALSE(dialog_->isVisible());
}

TEST_F(PodDialogTest, AsksBeforeTypedValuesAreLost) {
    QSignalSpy kept(dialog_.get(), &PodDialog::kept);
    typeCap(25);
    leave(QMessageBox::Cancel);
    EXPECT_TRUE(dialog_->isVisible());
    EXPECT_EQ(dialog_->page()->settings().cap, 25);
    leave(QMessageBox::Discard);
    EXPECT_FALSE(dialog_->isVisible());
    EXPECT_TRUE(kept.isEmpty());
    dialog_->show();
    leave(QMessageBox::Save);
    EXPECT_FALSE(dialog_->isVisible());
    ASSERT_EQ(kept.size(), 1);
    EXPECT_EQ(kept[0][0].value<PodSettings>().cap, 25);
}

TEST_F(PodDialogTest, NoKeyIsLostThatIsTypedAndNotSaved) {
    QTest::keyClicks(dialog_->findChild<QLineEdit*>(), u"rpa_typed"_s);
    leave(QMessageBox::Cancel);
    EXPECT_TRUE(dialog_->isVisible());
    for (QAbstractButton* button : dialog_->findChild<QDialogButtonBox*>()->buttons()) {
        if (button->text() == u"Keep"_s)
            button->click();
    }
    const auto* question = dialog_->findChild<QMessageBox*>();
    ASSERT_NE(question, nullptr);
    EXPECT_FALSE(question->button(QMessageBox::Save)->isEnabled());
    answer(QMessageBox::Discard);
    EXPECT_FALSE(dialog_->isVisible());
}

} // namespace caldera::studio
