#include <cmath>

#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include "core/job/job_folder.h"
#include "core/model/module.h"
#include "tests/gui/pictures.h"
#include "widgets/runs/jobs_model.h"
#include "widgets/runs/runs_view.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

/// Job folders as workers leave them, with times of their own.
class Story {
public:
    Story(const QString& root, const char* kind, const QString& title, int minutesAgo)
        : clock_(QDateTime::currentDateTimeUtc().addSecs(-60 * minutesAgo)),
          folder_(make(root, kind, title)),
          events_(QString::fromStdString(folder_.events().string())) {
        if (!events_.open(QIODevice::WriteOnly))
            ADD_FAILURE() << "cannot write events";
        say(u"hello"_s, {});
    }
    void say(const QString& kind, QJsonObject fields, double seconds = 0) {
        clock_ = clock_.addMSecs(static_cast<qint64>(seconds * 1000));
        fields[u"seq"_s] = seq_++;
        fields[u"event"_s] = kind;
        fields[u"time"_s] = clock_.toString(Qt::ISODate);
        events_.write(QJsonDocument(fields).toJson(QJsonDocument::Compact) + '\n');
        events_.flush();
    }
    void stage(const QString& name, double seconds = 0) {
        say(u"stage"_s, {{u"stage"_s, name}}, seconds);
    }
    void log(const QString& text, double seconds = 0) {
        say(u"log"_s, {{u"message"_s, text}}, seconds);
    }
    void cells(int layers, double seconds) {
        for (int layer = 0; layer < layers; ++layer) {
            for (const Module module : kModules) {
                const double depth = std::abs(layer - layers * 0.6) / layers;
                const double error = 0.07 + 0.05 * std::exp(-9 * depth * depth) +
                                     0.02 * static_cast<int>(module) * (layer % 3) / 6.0;
                const QString name = QString::fromUtf8(moduleName(module).data());
                say(u"cell"_s,
                    {{u"layer"_s, layer},
                     {u"module"_s, name},
                     {u"relative_error"_s, error},
                     {u"bpw"_s, 2.19},
                     {u"seconds"_s, seconds * (1 + 0.4 * std::sin(layer))},
                     {u"reused"_s, false}},
                    seconds);
            }
            log(u"Layer %1: mean relative error %2"_s.arg(layer).arg(0.09 + layer * 1e-3, 0, 'f',
                                                                     4));
        }
    }
    void state(const char* phase, const char* stage, double fraction, double eta = -1,
               const char* message = "", const char* code = "") {
        JobState state;
        state.phase = phase;
        state.stage = stage;
        state.fraction = fraction;
        state.etaSeconds = eta;
        state.message = message;
        state.code = code;
        folder_.writeState(state);
    }
    const JobFolder& folder() const { return folder_; }
    QString id() const { return QString::fromStdString(folder_.path().filename().string()); }

private:
    JobFolder make(const QString& root, const char* kind, const QString& title) const {
        JobSpec spec;
        spec.kind = kind;
        spec.title = title.toStdString();
        spec.arguments = {"compress", "SmolLM2-135M-Instruct"};
        spec.created = clock_.toString(Qt::ISODate).toStdString();
        return JobFolder::create(std::filesystem::path(root.toStdString()), spec);
    }

    QDateTime clock_;
    JobFolder folder_;
    QFile events_;
    int seq_ = 0;
};

class RunsPictures : public ::testing::Test {
protected:
    RunsPictures() {
        Story failed(root_.path(), "evaluate", u"Evaluate Qwen2-0.5B at 2.1 bpw"_s, 60 * 30);
        failed.stage(u"load"_s);
        failed.log(u"Reading the reference model"_s, 3);
        failed.say(u"error"_s, {{u"message"_s, u"x"_s}, {u"code"_s, u"safetensors.truncated"_s}},
                   2);
        failed.state("failed", "load", 0.1, -1,
                     "model-00002.safetensors ends after 1 203 bytes, but its header promises "
                     "988 MB. The download was cut off; fetch the model again.",
                     "safetensors.truncated");
        failed_ = failed.id();

        Story done(root_.path(), "compress", u"Compress caldera-demo with plan fits-in-8MB"_s, 180);
        done.stage(u"calibrate"_s);
        done.stage(u"compress"_s, 40);
        done.cells(6, 1.2);
        done.stage(u"write"_s);
        done.say(u"artifact"_s,
                 {{u"path"_s, u"/home/ada/models/caldera-demo-2.19bpw"_s},
                  {u"hash"_s, u"9f2c61e07a4d4b8e"_s}},
                 2);
        done.say(u"end"_s, {}, 1);
        done.state("done", "write", 1);
        done_ = done.id();

        Story cancelled(root_.path(), "fidelity", u"Measure fidelity of SmolLM2-135M-Instruct"_s,
                        95);
        cancelled.stage(u"calibrate"_s);
        cancelled.state("cancelled", "calibrate", 0.4);

        running_ = std::make_unique<Story>(root_.path(), "compress",
                                           u"Compress SmolLM2-135M-Instruct"_s, 12);
        running_->stage(u"calibrate"_s);
        running_->log(u"32 768 tokens of calibration text in 16 windows"_s, 1);
        running_->stage(u"compress"_s, 180);
        running_->cells(18, 3.6);
        running_->say(u"progress"_s, {{u"done"_s, 126}, {u"total"_s, 210}});
        running_->state("running", "compress", 0.6, 310);
        lock_ = std::make_unique<JobLock>(running_->folder());

        service_ = std::make_unique<JobService>(root_.path());
        view_ = std::make_unique<RunsView>(*service_);
        view_->resize(1360, 800);
        view_->show();
        EXPECT_TRUE(QTest::qWaitFor([this] { return view_->model()->rowCount() == 4; }, 20000));
    }

    QTemporaryDir root_;
    QString failed_;
    QString done_;
    std::unique_ptr<Story> running_;
    std::unique_ptr<JobLock> lock_;
    std::unique_ptr<JobService> service_;
    std::unique_ptr<RunsView> view_;
};

TEST_F(RunsPictures, FillTheirThemeAndShowStateInColour) {
    for (const SchemeChoice choice : {SchemeChoice::Dark, SchemeChoice::Light}) {
        const Scheme scheme = choice == SchemeChoice::Dark ? Scheme::Dark : Scheme::Light;
        view_->selectJob(running_->id());
        const QImage running = picture(*view_, u"runs-running"_s, choice);
        EXPECT_GT(shareOf(running, Theme::color(Token::Panel, scheme)), 0.5);
        EXPECT_GT(shareOf(running, Theme::color(Token::Accent, scheme)), 0.0005);
        view_->selectJob(done_);
        const QImage done = picture(*view_, u"runs-done"_s, choice);
        EXPECT_GT(shareOf(done, Theme::color(Token::Good, scheme)), 0.0001);
        view_->selectJob(failed_);
        const QImage failed = picture(*view_, u"runs-failed"_s, choice);
        EXPECT_GT(shareOf(failed, Theme::color(Token::Bad, scheme)), 0.0001);
    }
    Theme::current().setChoice(SchemeChoice::System);
}

TEST(RunsEmptyPicture, FillsItsTheme) {
    const QTemporaryDir root;
    JobService service(root.path());
    RunsView view(service);
    view.resize(1360, 800);
    view.show();
    const QImage light = picture(view, u"runs-empty"_s, SchemeChoice::Light);
    const QImage dark = picture(view, u"runs-empty"_s, SchemeChoice::Dark);
    EXPECT_NE(light, dark);
    Theme::current().setChoice(SchemeChoice::System);
}

} // namespace
} // namespace caldera::studio
