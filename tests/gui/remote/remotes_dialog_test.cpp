#include "widgets/remote/remotes_dialog.h"

#include <QComboBox>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QSettings>
#include <QTemporaryDir>
#include <QTest>

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
