// Disks without room, folders that cannot be made, links that lead nowhere: nothing of a plan is
// lost silently, and the window goes on.
#include <QClipboard>
#include <QDir>
#include <QSignalSpy>

#include <sys/stat.h>

#include <filesystem>

#include "app/studio/plan_actions.h"
#include "core/base/file.h"
#include "tests/gui/studio/studio_fixture.h"
#include "tests/support/full_disk.h"
#include "widgets/models/plan_autosave.h"
#include "widgets/support/error_banner.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

using test::FullDisk;

class PlanTroubleTest : public StudioFixture {
protected:
    template <typename Claim>
    bool becomes(Claim claim) {
        return QTest::qWaitFor(claim, kPatience);
    }
    std::filesystem::path path(const QString& name) { return root_.filePath(name).toStdString(); }
    QStringList unsaved() { return QDir(root_.filePath(u"unsaved"_s)).entryList(QDir::Files); }
    QString told() {
        ErrorBanner* banner = window().planView()->banner();
        return banner->isVisible() ? banner->sentence() : QString();
    }
    void forget() { window().planView()->banner()->clear(); }
    void edit(Qt::Key key) {
        click({2, Module::UpProj});
        press(key);
    }
};

TEST_F(PlanTroubleTest, AFullDiskIsToldAndUnsavedChangesAreKeptWhenThereIsRoom) {
    openDemo();
    {
        const FullDisk full;
        edit(Qt::Key_4);
        ASSERT_TRUE(becomes([&] { return told().contains(u"Cannot write"_s); }));
        forget();
        const QSignalSpy tries(&window().planActions().autosave(), &PlanAutosave::tried);
        ASSERT_TRUE(becomes([&] { return tries.count() >= 2; })) << "it goes on trying";
        EXPECT_FALSE(tries.last().first().toBool());
        EXPECT_EQ(told(), QString()) << "it was told";
        edit(Qt::Key_3);
        EXPECT_TRUE(becomes([&] { return told().contains(u"Cannot write"_s); }))
            << "the next change is not kept either";
        EXPECT_TRUE(unsaved().isEmpty()) << "nor is half a file left";
    }
    ASSERT_TRUE(becomes([&] { return unsaved().size() == 1; })) << "nobody had to edit again";
    const Plan edited = plan().plan();
    startAgain();
    EXPECT_TRUE(becomes([&] { return plan().plan() == edited; }));
}

TEST_F(PlanTroubleTest, APlanThatDoesNotFitTheDiskLeavesTheOldOne) {
    openDemo();
    const std::string before = printPlan(plan().plan());
    const QString file = root_.filePath(u"plan.yaml"_s);
    writeFileAtomically(file.toStdString(), before);
    edit(Qt::Key_4);
    {
        const FullDisk full;
        window().planActions().saveTo(file);
        ASSERT_TRUE(becomes([&] { return told().contains(u"plan.yaml"_s); }));
    }
    EXPECT_EQ(readTextFile(file.toStdString()), before);
    EXPECT_TRUE(plan().modified());
    window().planActions().saveTo(file);
    EXPECT_TRUE(becomes([&] { return !plan().modified(); }));
}

TEST_F(PlanTroubleTest, AFolderThatCannotBeMadeIsNamed) {
    writeFileAtomically(path(u"unsaved"_s), "a file where the folder should be");
    openDemo();
    edit(Qt::Key_4);
    ASSERT_TRUE(becomes([&] { return told().contains(root_.filePath(u"unsaved"_s)); }));
    EXPECT_TRUE(told().startsWith(u"Cannot write"_s)) << told().toStdString();
    std::filesystem::remove(path(u"unsaved"_s));
    EXPECT_TRUE(becomes([&] { return unsaved().size() == 1; }));
}

TEST_F(PlanTroubleTest, SavingThroughALinkKeepsTheLink) {
    openDemo();
    writeFileAtomically(path(u"mine.yaml"_s), printPlan(plan().plan()));
    std::filesystem::create_symlink("mine.yaml", path(u"link.yaml"_s));
    window().planActions().openFile(root_.filePath(u"link.yaml"_s));
    ASSERT_TRUE(becomes([&] { return !plan().file().isEmpty(); }));
    edit(Qt::Key_4);
    press(Qt::Key_S, Qt::ControlModifier);
    ASSERT_TRUE(becomes([&] { return !plan().modified(); }));
    EXPECT_TRUE(std::filesystem::is_symlink(path(u"link.yaml"_s)));
    EXPECT_EQ(readTextFile(path(u"mine.yaml"_s)), printPlan(plan().plan()));
}

TEST_F(PlanTroubleTest, PathsThatLeadNowhereAreExplained) {
    openDemo();
    std::filesystem::create_directory(path(u"folder.yaml"_s));
    std::filesystem::create_symlink("there.yaml", path(u"here.yaml"_s));
    std::filesystem::create_symlink("here.yaml", path(u"there.yaml"_s));
    ASSERT_EQ(::mkfifo(path(u"pipe.yaml"_s).c_str(), 0600), 0);
    writeFileAtomically(path(u"huge.yaml"_s), "format: caldera-plan/1\n");
    std::filesystem::resize_file(path(u"huge.yaml"_s), uintmax_t{1} << 34);
    const Plan before = plan().plan();
    for (const QString& name : {u"folder.yaml"_s, u"here.yaml"_s, u"pipe.yaml"_s, u"huge.yaml"_s,
                                u"none.yaml"_s, u"folder.yaml/none.yaml"_s}) {
        const QString file = root_.filePath(name);
        forget();
        window().planActions().openFile(file);
        EXPECT_TRUE(becomes([&] { return told().contains(name); })) << name.toStdString();
        forget();
        window().planActions().compareWithFile(file);
        EXPECT_TRUE(becomes([&] { return told().contains(name); })) << name.toStdString();
        const QSignalSpy failures(&window().session(), &Session::failed);
        window().openReport(file);
        EXPECT_TRUE(becomes([&] { return failures.count() == 1; })) << name.toStdString();
    }
    for (const QString& name :
         {u"folder.yaml"_s, u"here.yaml"_s, u"pipe.yaml"_s, u"none/none.yaml"_s}) {
        forget();
        window().planActions().saveTo(root_.filePath(name));
        EXPECT_TRUE(becomes([&] { return told().contains(root_.path()); })) << name.toStdString();
    }
    EXPECT_EQ(plan().plan(), before);
    EXPECT_TRUE(std::filesystem::is_symlink(path(u"here.yaml"_s)));
    EXPECT_TRUE(std::filesystem::is_fifo(path(u"pipe.yaml"_s)));
}

TEST_F(PlanTroubleTest, APastedPlanOfAbsurdSizeIsRefusedInWords) {
    openDemo();
    const Plan before = plan().plan();
    const auto paste = [&](int overrides) {
        std::string yaml = "format: caldera-plan/1\ncaldera:\n  pattern_overrides:\n";
        for (int i = 0; i < overrides; ++i) {
            yaml += "    a" + std::to_string(i) + ": {}\n";
        }
        QGuiApplication::clipboard()->setText(QString::fromStdString(yaml));
        forget();
        press(Qt::Key_V, Qt::ControlModifier);
        return told();
    };
    const QString whole = paste(200'000);
    EXPECT_TRUE(whole.contains(u"at most 1.05 MB"_s)) << whole.toStdString();
    const QString many = paste(70'000);
    EXPECT_TRUE(many.contains(u"has 70000 entries; a plan has at most 4096"_s))
        << many.toStdString();
    EXPECT_EQ(plan().plan(), before);
}

} // namespace
} // namespace caldera::studio
