#include "widgets/remote/remotes_dialog.h"

#include <QClipboard>
#include <QComboBox>
#include <QFile>
#include <QGuiApplication>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMessageBox>
#include <QPushButton>
#include <QSettings>
#include <QTemporaryDir>
#include <QTest>
#include <QToolButton>

#include <gtest/gtest.h>

#include "tests/gui/remote/loopback_sshd.h"
#include "widgets/plan_view/launch_dialog.h"
#include "widgets/remote/host_key.h"
#include "widgets/remote/host_key_dialog.h"
#include "widgets/remote/login_dialog.h"
#include "widgets/remote/stage_list.h"
#include "widgets/remote/target_form.h"
#include "widgets/remote/target_store.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr int kPatience = 60'000;

/// For eyes: with $CALDERA_PICTURES set, writes what the widget looks like, dark and light.
void photograph(QWidget& widget, const QString& name) {
    const QString folder = qEnvironmentVariable("CALDERA_PICTURES");
    if (folder.isEmpty())
        return;
    for (const auto& [scheme, word] :
         {std::pair(SchemeChoice::Dark, u"dark"_s), std::pair(SchemeChoice::Light, u"light"_s)}) {
        Theme::current().setChoice(scheme);
        QTest::qWait(50);
        widget.grab().save(folder + u'/' + name + u'-' + word + ".png"_L1);
    }
}

class RemotesDialogTest : public ::testing::Test {
protected:
    RemotesDialogTest() { QSettings().clear(); }

    std::unique_ptr<TargetStore> open() {
        auto store = std::make_unique<TargetStore>(root_.filePath(u"targets"_s));
        EXPECT_TRUE(QTest::qWaitFor([&] { return store->ready(); }, kPatience));
        return store;
    }
    template <class Dialog>
    static Dialog* awaitChild(QWidget& parent) {
        Dialog* found = nullptr;
        EXPECT_TRUE(QTest::qWaitFor(
            [&] {
                found = parent.findChild<Dialog*>();
                return found != nullptr && found->isVisible();
            },
            kPatience));
        return found;
    }

    QTemporaryDir root_;
};

/// How the staged test of a dialog ends.
class TestEnd {
public:
    explicit TestEnd(RemotesDialog& dialog) {
        QObject::connect(&dialog, &RemotesDialog::tested, &dialog,
                         [this](bool passed) { passed_ = passed; });
    }
    /// Waits for it.
    bool isPassed() const {
        EXPECT_TRUE(QTest::qWaitFor([this] { return passed_.has_value(); }, kPatience));
        return passed_.value_or(false);
    }

private:
    std::optional<bool> passed_;
};

TEST_F(RemotesDialogTest, KeepsTargetsInFilesWithoutSecrets) {
    Target target;
    target.kind = TargetKind::Ssh;
    target.name = u"../gpu 3/ü"_s;
    target.ssh.host = u"gpu-3"_s;
    target.folder = u"~/jobs"_s;
    {
        const auto store = open();
        EXPECT_TRUE(store->targets().isEmpty());
        store->save(target);
        Target other = target;
        other.name = u"a"_s;
        store->save(other);
        EXPECT_TRUE(store->find(u"a"_s).has_value());
        other.name = u"b"_s;
        store->save(other, u"a"_s);
    }
    auto store = open();
    ASSERT_EQ(store->targets().size(), 2);
    EXPECT_EQ(store->find(target.name), target);
    store->remove(u"b"_s);
    store->remove(target.name);
    EXPECT_TRUE(store->targets().isEmpty());
    store.reset(); // waits for its files
    EXPECT_TRUE(open()->targets().isEmpty());
}

TEST_F(RemotesDialogTest, LeavesOutAFileThatIsDamagedAndSaysSo) {
    QDir().mkpath(root_.filePath(u"targets"_s));
    QFile file(root_.filePath(u"targets/bad.yaml"_s));
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    file.write("kind: moon\n");
    file.close();
    TargetStore store(root_.filePath(u"targets"_s));
    QString sentence;
    QObject::connect(&store, &TargetStore::failed, &store,
                     [&](const QString& text) { sentence = text; });
    ASSERT_TRUE(QTest::qWaitFor([&] { return !sentence.isEmpty(); }, kPatience));
    EXPECT_TRUE(sentence.contains(u"bad.yaml"_s)) << sentence.toStdString();
    EXPECT_TRUE(file.exists());
}

TEST_F(RemotesDialogTest, FilesThatPeopleNamedStayTheirTargets) {
    QDir().mkpath(root_.filePath(u"targets"_s));
    const auto write = [this](const QString& name, const QByteArray& target) {
        QFile file(root_.filePath(u"targets/"_s + name));
        ASSERT_TRUE(file.open(QIODevice::WriteOnly));
        file.write("format: caldera-remote/1\nkind: ssh\nfolder: ~/jobs\n" + target);
    };
    write(u"a.yaml"_s, "name: cluster\nssh: {host: one}\n");
    write(u"b.yaml"_s, "name: cluster\nssh: {host: two}\n");
    QStringList sentences;
    Target other;
    {
        TargetStore store(root_.filePath(u"targets"_s));
        QObject::connect(&store, &TargetStore::failed, &store,
                         [&](const QString& text) { sentences.append(text); });
        ASSERT_TRUE(QTest::qWaitFor([&] { return store.ready(); }, kPatience));
        ASSERT_EQ(store.targets().size(), 1) << "two of one name could not be told apart";
        EXPECT_TRUE(sentences.value(0).contains(u"b.yaml both describe \"cluster\""_s));
        other = store.targets().first();
        other.name = u"a"_s; // whose file would be that of the cluster
        store.save(other);
        store.save(store.targets().last(), u"cluster"_s);
        store.remove(u"cluster"_s);
    }
    EXPECT_FALSE(QFile::exists(root_.filePath(u"targets/a.yaml"_s))) << "it comes back";
    QFile::remove(root_.filePath(u"targets/b.yaml"_s));
    const auto store = open();
    ASSERT_EQ(store->targets().size(), 1);
    EXPECT_EQ(store->targets().first(), other);
}

TEST_F(RemotesDialogTest, AddsTestsAndKeepsAHost) {
    LoopbackSshd server;
    const auto store = open();
    RemotesDialog dialog(*store);
    dialog.show();
    photograph(dialog, u"machines-empty"_s);
    dialog.add();
    Target target = server.target();
    target.ssh.hostKeys.clear();
    dialog.form()->setTarget(target);
    TestEnd end(dialog);
    dialog.test();
    auto* question = awaitChild<HostKeyDialog>(dialog);
    ASSERT_NE(question, nullptr);
    photograph(*question, u"host-key"_s);
    for (const QPushButton* button : question->findChildren<QPushButton*>()) {
        EXPECT_TRUE(button->text() == u"Cancel"_s ||
                    (!button->isDefault() && !button->autoDefault()))
            << "Enter accepts the key";
    }
    EXPECT_TRUE(question->findChild<QLabel*>()->text().contains(
        u"127.0.0.1, port %1,"_s.arg(target.ssh.port)));
    auto* command = question->findChild<QLineEdit*>();
    EXPECT_EQ(command->text(), u"ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"_s);
    QGuiApplication::clipboard()->clear();
    question->findChild<QToolButton*>()->click();
    EXPECT_EQ(QGuiApplication::clipboard()->text(), command->text());
    const QList<QLabel*> labels = question->findChildren<QLabel*>();
    EXPECT_TRUE(std::any_of(labels.begin(), labels.end(), [&](const QLabel* label) {
        return label->text().contains(fingerprint(server.hostKey()));
    }));
    question->accept();
    EXPECT_TRUE(end.isPassed()) << dialog.stages()->report().toStdString();
    EXPECT_TRUE(dialog.stages()->report().contains(u"Worker: passed"_s));
    dialog.save();
    photograph(dialog, u"machines-tested"_s);
    EXPECT_EQ(store->find(target.name)->ssh.hostKeys, QStringList{server.hostKey()});
}

TEST_F(RemotesDialogTest, EnterAcceptsNoHostKey) {
    HostKeyDialog dialog({u"gpu-3"_s}, {u"ssh-rsa AAAA"_s}, true);
    dialog.show();
    QTest::keyClick(&dialog, Qt::Key_Return);
    EXPECT_FALSE(dialog.isVisible());
    EXPECT_EQ(dialog.result(), QDialog::Rejected);
    EXPECT_TRUE(dialog.findChild<QLineEdit*>()->text().endsWith(u"ssh_host_rsa_key.pub"_s));
}

TEST_F(RemotesDialogTest, AsksBeforeTypedValuesAreLost) {
    const auto store = open();
    Target known;
    known.kind = TargetKind::Slurm;
    known.name = u"cluster"_s;
    known.ssh.host = u"login"_s;
    known.folder = u"~/jobs"_s;
    store->save(known);
    RemotesDialog dialog(*store);
    dialog.show();
    dialog.select(u"cluster"_s);
    const auto answer = [&dialog](QMessageBox::StandardButton button) {
        auto* question = awaitChild<QMessageBox>(dialog);
        ASSERT_NE(question, nullptr);
        question->button(button)->click();
        EXPECT_TRUE(QTest::qWaitFor([&] { return dialog.findChild<QMessageBox*>() == nullptr; }));
    };
    const auto type = [&dialog] {
        Target changed = dialog.form()->target();
        changed.slurm.partition = u"gpu"_s;
        changed.ssh.host = u"other"_s;
        dialog.form()->setTarget(changed);
        return changed;
    };
    const Target typed = type();
    photograph(dialog, u"machines-slurm"_s);
    QTest::keyClick(&dialog, Qt::Key_Escape);
    answer(QMessageBox::Cancel);
    EXPECT_TRUE(dialog.isVisible());
    EXPECT_EQ(dialog.form()->target(), typed);
    dialog.reject();
    answer(QMessageBox::Discard);
    EXPECT_FALSE(dialog.isVisible());
    EXPECT_EQ(store->find(u"cluster"_s), known);
    dialog.show();
    type();
    dialog.reject();
    answer(QMessageBox::Save);
    EXPECT_FALSE(dialog.isVisible());
    EXPECT_EQ(store->find(u"cluster"_s)->slurm.partition, u"gpu"_s);
    dialog.show();
    dialog.reject();
    EXPECT_FALSE(dialog.isVisible()) << "nothing was typed";
}

TEST_F(RemotesDialogTest, AnotherMachineInTheListTakesNothingThatWasTyped) {
    const auto store = open();
    for (const char16_t* name : {u"a", u"b"}) {
        Target target;
        target.kind = TargetKind::Ssh;
        target.name = QString::fromUtf16(name);
        target.ssh.host = target.name;
        target.folder = u"~/jobs"_s;
        store->save(target);
    }
    RemotesDialog dialog(*store);
    dialog.show();
    dialog.select(u"a"_s);
    Target typed = dialog.form()->target();
    typed.worker = u"/opt/caldera"_s;
    dialog.form()->setTarget(typed);
    dialog.select(u"b"_s);
    auto* list = dialog.findChild<QListWidget*>();
    EXPECT_EQ(list->currentItem()->text(), u"a"_s);
    auto* question = awaitChild<QMessageBox>(dialog);
    ASSERT_NE(question, nullptr);
    question->button(QMessageBox::Discard)->click();
    EXPECT_TRUE(QTest::qWaitFor([&] { return dialog.form()->target().name == u"b"_s; }));
    EXPECT_EQ(list->currentItem()->text(), u"b"_s);
    EXPECT_EQ(store->find(u"a"_s)->worker, u""_s);
}

TEST_F(RemotesDialogTest, WhatSavesAndTestsStaysInSight) {
    const auto store = open();
    RemotesDialog dialog(*store);
    dialog.add(TargetKind::Slurm);
    dialog.show();
    EXPECT_LE(dialog.height(), 660) << "with its frame on a screen of 1024x700";
    for (const QPushButton* button : dialog.findChildren<QPushButton*>()) {
        if (button->text() == u"Save"_s || button->text() == u"Test"_s) {
            EXPECT_TRUE(
                dialog.rect().contains(QRect(button->mapTo(&dialog, QPoint()), button->size())))
                << button->text().toStdString();
            EXPECT_FALSE(button->visibleRegion().isEmpty()) << button->text().toStdString();
        }
    }
}

TEST_F(RemotesDialogTest, AsksForThePassphraseOfAKey) {
    LoopbackSshd server;
    const auto store = open();
    RemotesDialog dialog(*store);
    dialog.show();
    dialog.add();
    Target target = server.target();
    target.ssh.identityFile = server.lockedKey();
    dialog.form()->setTarget(target);
    TestEnd end(dialog);
    dialog.test();
    auto* login = awaitChild<LoginDialog>(dialog);
    ASSERT_NE(login, nullptr);
    photograph(*login, u"login"_s);
    login->findChild<QLineEdit*>()->setText(u"open sesame"_s);
    login->accept();
    EXPECT_TRUE(end.isPassed()) << dialog.stages()->report().toStdString();
}

TEST_F(RemotesDialogTest, AnotherHostForgetsTheConfirmedKey) {
    TargetForm form;
    Target target;
    target.kind = TargetKind::Ssh;
    target.name = u"a"_s;
    target.ssh = {u"one"_s, 0, {}, {}, {}, {u"ssh-ed25519 AAAA"_s}};
    target.folder = u"/jobs"_s;
    form.setTarget(target);
    EXPECT_EQ(form.target(), target);
    for (QLineEdit* line : form.findChildren<QLineEdit*>()) {
        if (line->text() == u"one"_s)
            line->setText(u"two"_s);
    }
    EXPECT_TRUE(form.target().ssh.hostKeys.isEmpty());
}

TEST_F(RemotesDialogTest, ALaunchElsewhereNeedsAKnownHostAndAModelThere) {
    Target known;
    known.kind = TargetKind::Ssh;
    known.name = u"gpu-3"_s;
    known.ssh = {u"gpu-3"_s, 0, {}, {}, {}, {u"ssh-ed25519 AAAA"_s}};
    Target unknown = known;
    unknown.name = u"new one"_s;
    unknown.ssh.hostKeys.clear();
    LaunchSettings suggested;
    suggested.name = u"Qwen2-72B at 2.4 bits"_s;
    suggested.folder = u"/tmp/out"_s;
    suggested.calibrationTokens = 32768;
    suggested.fingerprint = u"abc"_s;
    {
        LaunchDialog dialog(suggested, {known, unknown}, u"560 cells of Qwen2-72B."_s);
        dialog.show();
        EXPECT_TRUE(dialog.startButton()->isEnabled()) << "here everything is known";
        dialog.targetChoice()->setCurrentIndex(2);
        dialog.modelThere()->setText(u"/data/model"_s);
        EXPECT_FALSE(dialog.startButton()->isEnabled()) << "its key is not confirmed";
        dialog.targetChoice()->setCurrentIndex(1);
        EXPECT_FALSE(dialog.startButton()->isEnabled()) << "where the model lies is unknown";
        dialog.modelThere()->setText(u"Qwen/Qwen2-72B"_s);
        EXPECT_TRUE(dialog.startButton()->isEnabled());
        photograph(dialog, u"launch-elsewhere"_s);
        EXPECT_EQ(dialog.settings().target, known);
        EXPECT_EQ(dialog.settings().modelThere, u"Qwen/Qwen2-72B"_s);
        dialog.accept();
    }
    LaunchDialog again(suggested, {known, unknown}, {});
    EXPECT_EQ(again.settings().target, known) << "the next one suggests the same";
    EXPECT_EQ(again.settings().modelThere, u"Qwen/Qwen2-72B"_s);
}

} // namespace
} // namespace caldera::studio
