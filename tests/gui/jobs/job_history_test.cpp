#include "widgets/jobs/job_history.h"

#include <limits>

#include <gtest/gtest.h>

#include "widgets/jobs/surprise.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

QJsonObject event(int seq, const QString& kind, QJsonObject fields = {},
                  const QString& time = u"2026-11-21T10:00:00Z"_s) {
    fields[u"seq"_s] = seq;
    fields[u"event"_s] = kind;
    fields[u"time"_s] = time;
    return fields;
}

QJsonObject cell(int layer, const QString& module, double error, bool reused = false) {
    return {{u"layer"_s, layer}, {u"module"_s, module}, {u"relative_error"_s, error},
            {u"bpw"_s, 2.1},     {u"seconds"_s, 3.0},   {u"reused"_s, reused}};
}

TEST(JobHistory, TakesEachNumberOnce) {
    JobHistory history;
    EXPECT_TRUE(history.apply(event(0, u"log"_s, {{u"message"_s, u"one"_s}})));
    EXPECT_FALSE(history.apply(event(0, u"log"_s, {{u"message"_s, u"one"_s}})));
    EXPECT_TRUE(history.apply(event(1, u"log"_s, {{u"message"_s, u"two"_s}})));
    EXPECT_EQ(history.log().size(), 2);
}

TEST(JobHistory, ClosesAStageWhenTheNextBegins) {
    JobHistory history;
    history.apply(event(0, u"stage"_s, {{u"stage"_s, u"calibrate"_s}}, u"2026-11-21T10:00:00Z"_s));
    EXPECT_FALSE(history.stages().last().ended.isValid());
    history.apply(event(1, u"stage"_s, {{u"stage"_s, u"decompose"_s}}, u"2026-11-21T10:00:30Z"_s));
    ASSERT_EQ(history.stages().size(), 2);
    EXPECT_EQ(history.stages()[0].started.secsTo(history.stages()[0].ended), 30);
    history.apply(event(2, u"end"_s, {}, u"2026-11-21T10:01:00Z"_s));
    EXPECT_TRUE(history.stages()[1].ended.isValid());
}

TEST(JobHistory, AStageThatWasCutOffStaysSoAfterAResume) {
    JobHistory history;
    int seq = 0;
    const auto say = [&](const QString& kind, const QJsonObject& fields = {}) {
        history.apply(event(seq++, kind, fields));
    };
    const auto begin = [&] {
        say(u"hello"_s);
        say(u"stage"_s, {{u"stage"_s, u"compress"_s}});
    };
    begin();
    say(u"end"_s, {{u"phase"_s, u"cancelled"_s}});
    begin(); // its worker dies without a word
    begin();
    say(u"stage"_s, {{u"stage"_s, u"write"_s}});
    say(u"end"_s, {{u"phase"_s, u"done"_s}});
    QStringList phases;
    for (const JobStage& stage : history.stages())
        phases.append(stage.phase);
    EXPECT_EQ(phases, QStringList({u"cancelled"_s, u"lost"_s, u"done"_s, u"done"_s}));
    QStringList levels;
    for (const JobLogLine& line : history.log())
        levels.append(line.level);
    EXPECT_EQ(levels, QStringList({u"stage"_s, u"cancelled"_s, u"resumed"_s, u"stage"_s,
                                   u"resumed"_s, u"stage"_s, u"stage"_s}));
}

TEST(JobHistory, AStageThatAChangedPlanInterruptsIsNotDone) {
    JobHistory history;
    history.apply(event(0, u"stage"_s, {{u"stage"_s, u"compress"_s}}));
    history.apply(event(1, u"revision"_s, {{u"plan"_s, u"0"_s}}));
    history.apply(event(2, u"stage"_s, {{u"stage"_s, u"calibrate"_s}}));
    EXPECT_EQ(history.stages()[0].phase, u"cancelled"_s);
    EXPECT_EQ(history.stages()[1].phase, QString());
}

TEST(JobHistory, TakesNoCellThatIsInNoModel) {
    JobHistory history;
    int seq = 0;
    for (const int layer : {-1, 1 << 14, std::numeric_limits<int>::max()})
        history.apply(event(seq++, u"cell"_s, cell(layer, u"q_proj"_s, 0.1)));
    history.apply(event(seq++, u"cell"_s, {{u"layer"_s, u"three"_s}, {u"module"_s, 7}}));
    history.apply(event(seq++, u"cell"_s, {{u"layer"_s, 1e300}, {u"module"_s, u"q_proj"_s}}));
    EXPECT_TRUE(history.cells().isEmpty());
    history.apply(event(seq++, u"cell"_s, cell((1 << 14) - 1, u"q_proj"_s, 0.1)));
    EXPECT_EQ(history.cells().size(), 1);
}

TEST(JobHistory, TakesTheValueOfAMeasuredCell) {
    JobHistory history;
    history.apply(
        event(0, u"cell"_s, {{u"layer"_s, 1}, {u"module"_s, u"q_proj"_s}, {u"value"_s, 0.25}}));
    EXPECT_EQ(history.cells().last().relativeError, 0.25);
    EXPECT_EQ(history.meanRelativeError(), 0.25);
}

TEST(JobHistory, KeepsToTheFirstOfSeveralMetrics) {
    JobHistory history;
    for (const auto& [metric, value] : {std::pair(u"proxy"_s, 0.25), {u"kl"_s, 0.002}}) {
        history.apply(event(0, u"cell"_s,
                            {{u"metric"_s, metric},
                             {u"layer"_s, 1},
                             {u"module"_s, u"q_proj"_s},
                             {u"value"_s, value}}));
    }
    EXPECT_EQ(history.metric(), u"proxy"_s);
    EXPECT_EQ(history.cells().size(), 1);
    EXPECT_EQ(history.meanRelativeError(), 0.25);
}

TEST(JobHistory, CountsACellOnceWhenAResumedJobReportsItAgain) {
    JobHistory history;
    history.apply(event(0, u"cell"_s, cell(0, u"q_proj"_s, 0.10)));
    history.apply(event(1, u"cell"_s, cell(0, u"k_proj"_s, 0.20)));
    history.apply(event(2, u"cell"_s, cell(0, u"q_proj"_s, 0.10, true)));
    EXPECT_EQ(history.cells().size(), 2);
    EXPECT_NEAR(history.meanRelativeError(), 0.15, 1e-12);
    EXPECT_NEAR(history.cellsPerMinute(), 20, 1e-9); // one fresh cell of three seconds
}

TEST(JobHistory, ForgetsAnErrorWhenTheJobSpeaksAgain) {
    JobHistory history;
    history.apply(event(0, u"error"_s, {{u"message"_s, u"Disk full."_s}, {u"code"_s, u"disk"_s}}));
    EXPECT_EQ(history.error(), u"Disk full."_s);
    history.apply(event(1, u"stage"_s, {{u"stage"_s, u"decompose"_s}}));
    EXPECT_TRUE(history.error().isEmpty());
}

TEST(JobHistory, KeepsABoundedLog) {
    JobHistory history;
    const int count = static_cast<int>(JobHistory::kLogLimit) + 2500;
    for (int i = 0; i < count; ++i)
        history.apply(event(i, u"log"_s, {{u"message"_s, QString::number(i)}}));
    EXPECT_LE(history.log().size(), JobHistory::kLogLimit);
    EXPECT_EQ(history.droppedLines() + history.log().size(), count);
    EXPECT_EQ(history.log().first().text, QString::number(history.droppedLines()));
}

std::map<Cell, ExpectedError> promised() {
    return {{{0, Module::QProj}, {0.10, 0.09, 0.11, ErrorOrigin::Measured}},
            {{1, Module::QProj}, {0.10, 0.09, 0.11, ErrorOrigin::Interpolated}},
            {{2, Module::QProj}, {0.10, 0.09, 0.11, ErrorOrigin::Measured}}};
}

TEST(Surprise, IsACellBeyondWhatItsPlanPromised) {
    JobHistory history;
    history.apply(event(0, u"cell"_s, cell(0, u"q_proj"_s, 0.1)));
    history.expect(promised()); // also of cells that have finished
    history.apply(event(1, u"cell"_s, cell(1, u"q_proj"_s, 0.05)));
    history.apply(event(2, u"cell"_s, cell(2, u"q_proj"_s, 0.4)));
    history.apply(event(3, u"cell"_s, cell(3, u"q_proj"_s, 0.9))); // nothing was promised
    EXPECT_EQ(surpriseOf(history.cells()[0]), Surprise::AsExpected);
    EXPECT_EQ(surpriseOf(history.cells()[1]), Surprise::Better);
    EXPECT_EQ(surpriseOf(history.cells()[2]), Surprise::Worse);
    EXPECT_EQ(surpriseOf(history.cells()[3]), Surprise::AsExpected);
    EXPECT_EQ(surpriseText(history.cells()[2]),
              u"worse than expected: 0.400, predicted 0.100 (0.0900 to 0.110, measured)"_s);
    const QList<JobCell> surprises = surprisesOf(history);
    ASSERT_EQ(surprises.size(), 2);
    EXPECT_EQ(surprises[0].layer, 2) << "four times too large is farther than half";
    history.expect({});
    EXPECT_TRUE(surprisesOf(history).isEmpty());
}

TEST(Surprise, AMeasurementsValuesAreNoErrorsOfAResult) {
    JobHistory history;
    history.expect(promised());
    history.apply(event(
        0, u"cell"_s,
        {{u"metric"_s, u"kl"_s}, {u"layer"_s, 0}, {u"module"_s, u"q_proj"_s}, {u"value"_s, 7.0}}));
    EXPECT_TRUE(surprisesOf(history).isEmpty());
}

} // namespace
} // namespace caldera::studio
