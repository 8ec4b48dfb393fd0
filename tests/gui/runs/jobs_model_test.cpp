#include "widgets/runs/jobs_model.h"

#include <QAbstractItemModelTester>
#include <QRandomGenerator>

#include <gtest/gtest.h>

#include "widgets/runs/phase_look.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

JobRow row(const QString& id, int minute, const QString& phase = u"running"_s) {
    JobRow made;
    made.summary.id = id;
    made.summary.title = u"Job "_s + id;
    made.summary.phase = phase;
    made.summary.created = QDateTime({2026, 11, 21}, {10, minute}, Qt::UTC);
    return made;
}

TEST(JobsModel, KeepsTheRulesOfModelsUnderRandomChanges) {
    JobsModel model;
    const QAbstractItemModelTester tester(&model,
                                          QAbstractItemModelTester::FailureReportingMode::Fatal);
    QRandomGenerator random(20261121);
    for (int step = 0; step < 500; ++step) {
        const QString id = QString::number(random.bounded(30));
        if (random.bounded(4) == 0)
            model.remove(id);
        else
            model.put(row(id, id.toInt()));
        model.refreshMoments();
    }
    for (int i = 1; i < model.rowCount(); ++i)
        EXPECT_GT(model.idAt(i - 1).toInt(), model.idAt(i).toInt());
}

TEST(JobsModel, PutsTheNewestFirstAndKeepsAJobInItsPlace) {
    JobsModel model;
    model.put(row(u"old"_s, 1));
    model.put(row(u"new"_s, 2));
    EXPECT_EQ(model.idAt(0), u"new"_s);
    model.put(row(u"old"_s, 30, u"done"_s));
    EXPECT_EQ(model.idAt(0), u"new"_s);
    EXPECT_EQ(model.index(1, JobsModel::State).data().toString(), u"Done"_s);
}

TEST(JobsModel, ShowsProgressOnlyWhereThereIsSome) {
    JobsModel model;
    JobRow half = row(u"a"_s, 1);
    half.summary.fraction = 0.5;
    model.put(half);
    EXPECT_EQ(model.index(0, JobsModel::ProgressColumn).data().toString(), u"50 %"_s);
    model.put(row(u"a"_s, 1, u"failed"_s));
    EXPECT_TRUE(model.index(0, JobsModel::ProgressColumn).data().toString().isEmpty());
}

TEST(JobsModel, TellsOnWhichMachineAJobRuns) {
    JobsModel model;
    model.put(row(u"here"_s, 1));
    EXPECT_FALSE(model.hasOtherMachines());
    JobRow there = row(u"there"_s, 2);
    there.summary.host = u"gpu-box"_s;
    model.put(there);
    EXPECT_TRUE(model.hasOtherMachines());
    EXPECT_EQ(model.index(0, JobsModel::Machine).data().toString(), u"gpu-box"_s);
    EXPECT_EQ(model.index(1, JobsModel::Machine).data().toString(), u"this machine"_s);
}

TEST(JobsModel, TellsWhatPodsHaveCostAndTheirSum) {
    JobsModel model;
    model.put(row(u"here"_s, 1));
    EXPECT_FALSE(model.spent()) << "nothing was rented";
    JobRow rented = row(u"a"_s, 2);
    rented.cost = PodCost{PodPhase::Ready, u"RTX 3090"_s, 0.214, 10, 0.46, 21, {}};
    model.put(rented);
    JobRow over = row(u"b"_s, 3, u"done"_s);
    over.cost = PodCost{PodPhase::Returned, u"H100"_s, 2, 10, 0, 21, {}};
    model.put(over);
    EXPECT_NEAR(*model.spent(), 2.214, 1e-9);
    EXPECT_EQ(model.index(1, JobsModel::Spent).data().toString(), u"$0.21"_s);
    EXPECT_EQ(model.index(2, JobsModel::Spent).data().toString(), QString());
    const QString more = model.index(1, JobsModel::Spent).data(Qt::ToolTipRole).toString();
    EXPECT_TRUE(more.startsWith(u"RTX 3090, running: $0.46 an hour, $0.21 of $10.00 spent"_s))
        << more.toStdString();
    EXPECT_TRUE(more.contains(u"$21.00 a month"_s)) << more.toStdString();
}

TEST(PhaseLook, TellsMomentsAsPeopleDo) {
    const QDateTime now({2026, 11, 21}, {12, 0}, Qt::LocalTime);
    EXPECT_EQ(momentText(now.addSecs(-10), now), u"just now"_s);
    EXPECT_EQ(momentText(now.addSecs(-180), now), u"3 min ago"_s);
    EXPECT_EQ(momentText(now.addSecs(-7200), now), u"10:00"_s);
    EXPECT_EQ(momentText(now.addDays(-30), now), u"2026-10-22"_s);
}

} // namespace
} // namespace caldera::studio
