#include "widgets/models/plan_autosave.h"

#include <QDir>
#include <QFuture>
#include <QtConcurrentRun>

#include <exception>
#include <filesystem>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/write_failure.h"
#include "core/plan/foreign_plan.h"
#include "widgets/models/session.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr const char* kFormat = "caldera-unsaved-plan/1";
constexpr size_t kLargestFile = 16U
                                << 20; ///< twice what a plan of every cell by name takes, and more

std::string textOf(const Plan& plan, const QString& file) {
    return nlohmann::json{
               {"format", kFormat}, {"file", file.toStdString()}, {"plan", printPlan(plan)}}
               // Other bytes than UTF-8 are lost, as they are when a plan's YAML is read.
               .dump(1, ' ', false, nlohmann::json::error_handler_t::replace) +
           "\n";
}

std::shared_ptr<const Plan> planIn(const QString& file) {
    try {
        return file.isEmpty() ? nullptr
                              : std::make_shared<const Plan>(loadPlan(file.toStdString()));
    } catch (const std::exception&) {
        return nullptr; // moved or broken since: what was unsaved is all the more worth
    }
}

UnsavedPlan parseUnsaved(const std::string& path) {
    const nlohmann::json json =
        nlohmann::json::parse(readTextFile(path, kLargestFile), nullptr, false);
    if (!json.is_object() || json.value("format", nlohmann::json()) != kFormat ||
        !json.value("plan", nlohmann::json()).is_string() ||
        !json.value("file", nlohmann::json()).is_string()) {
        throw Error("plan.unsaved",
                    path + " should hold the unsaved changes of a plan, but it "
                           "is damaged. Remove it to get rid of this message.",
                    {{"path", path}});
    }
    UnsavedPlan unsaved;
    unsaved.plan = parsePlan(json["plan"].get<std::string>(), path);
    unsaved.file = QString::fromStdString(json["file"].get<std::string>());
    unsaved.saved = planIn(unsaved.file);
    return unsaved;
}

void makeFolderOf(const std::filesystem::path& file) {
    std::error_code trouble;
    std::filesystem::create_directories(file.parent_path(), trouble);
    if (trouble) {
        throwWriteFailure(file, trouble.value());
    }
}

/// Fingerprints and hashes are hexadecimal, so they are good names.
QString nameOf(const OpenFacts& facts) {
    return (facts.kind == OpenKind::Artifact ? facts.artifactHash : facts.fingerprint).left(32) +
           u".json"_s;
}

} // namespace

/// What reading or writing gave.
struct PlanAutosave::Outcome {
    std::optional<UnsavedPlan> found;
    std::optional<Failure> failure;
};

PlanAutosave::PlanAutosave(Session& session, const QString& folder, QObject* parent)
    : QObject(parent), session_(session), folder_(folder) {
    pool_.setMaxThreadCount(1);
    timer_.setSingleShot(true);
    connect(&timer_, &QTimer::timeout, this, [this] { write(Existing::Replace); });
    connect(&session_, &Session::opened, this, &PlanAutosave::lookFor);
    connect(&session_.plan(), &PlanDocument::aboutToReset, this, &PlanAutosave::finish);
    connect(&session_.plan(), &PlanDocument::changed, this, &PlanAutosave::notice);
    connect(&session_.plan(), &PlanDocument::fileChanged, this, &PlanAutosave::notice);
}

PlanAutosave::~PlanAutosave() {
    finish();
    pool_.waitForDone();
}

template <typename Work, typename Done>
void PlanAutosave::inBackground(Work work, Done done) {
    QtConcurrent::run(&pool_, [work = std::move(work)] {
        Outcome outcome;
        try {
            work(outcome);
        } catch (const std::exception& error) {
            outcome.failure = describeFailure(error);
        }
        return outcome;
    }).then(this, [this, done = std::move(done)](const Outcome& outcome) {
        // Work that is done already would be told of at once, and what else is shown of the model
        // that was just opened would cover it.
        QMetaObject::invokeMethod(
            this, [done, outcome] { done(outcome); }, Qt::QueuedConnection);
    });
}

void PlanAutosave::tellFailure(const Outcome& outcome) {
    if (outcome.failure) {
        Q_EMIT failed(*outcome.failure);
    }
}

void PlanAutosave::finish() {
    if (timer_.isActive()) {
        timer_.stop();
        write(Existing::Replace);
    } else if (looking_ && session_.plan().modified()) {
        write(Existing::Keep); // older changes have not come back yet
    }
    file_.clear();
    kept_ = false;
    looking_ = false;
}

void PlanAutosave::lookFor() {
    file_ = QDir(folder_).filePath(nameOf(*session_.facts()));
    looking_ = true;
    inBackground(
        [path = file_.toStdString()](Outcome& outcome) {
            std::error_code trouble; // reading says it better
            if (std::filesystem::exists(path, trouble) || trouble) {
                outcome.found = parseUnsaved(path);
            }
        },
        [this, file = file_](const Outcome& outcome) {
            tellFailure(outcome);
            if (file != file_) {
                return; // something else was opened meanwhile
            }
            if (outcome.found) {
                kept_ = true;
                restore(*outcome.found);
            }
            looking_ = false; // not before: the file may not go while its changes come back
            notice();
        });
}

void PlanAutosave::restore(const UnsavedPlan& unsaved) {
    PlanDocument& plan = session_.plan();
    if (unsaved.saved) {
        plan.open(fitForeignPlan(*unsaved.saved, plan.config()), unsaved.file);
    }
    if (!(plan.plan() == unsaved.plan)) {
        plan.take(tr("Bring back unsaved changes"), unsaved.plan);
        Q_EMIT restored(unsaved.file);
    }
}

void PlanAutosave::notice() {
    if (file_.isEmpty() || looking_) {
        return;
    }
    if (session_.plan().modified()) {
        told_ = false;
        if (!timer_.isActive()) { // not begun anew by the next change: that could wait for ever
            timer_.start(kDelay);
        }
    } else {
        timer_.stop();
        remove();
    }
}

void PlanAutosave::write(Existing existing) {
    if (file_.isEmpty()) {
        return;
    }
    kept_ = true;
    const PlanDocument& plan = session_.plan();
    inBackground(
        [path = file_.toStdString(), state = plan.plan(), planFile = plan.file(),
         existing](Outcome&) {
            if (existing == Existing::Keep && std::filesystem::exists(path)) {
                return;
            }
            makeFolderOf(path);
            writeFileAtomically(path, textOf(state, planFile));
        },
        [this, file = file_](const Outcome& outcome) { endWriting(file, outcome); });
}

void PlanAutosave::endWriting(const QString& file, const Outcome& outcome) {
    if (outcome.failure) {
        takeTrouble(file, outcome);
    }
    Q_EMIT tried(!outcome.failure);
}

void PlanAutosave::takeTrouble(const QString& file, const Outcome& outcome) {
    const bool isOpen = file == file_;
    if (!told_ || !isOpen) { // what was closed is not tried again
        tellFailure(outcome);
        told_ = isOpen;
    }
    if (isOpen && !looking_ && session_.plan().modified() && !timer_.isActive()) {
        timer_.start(kRetryDelay);
    }
}

void PlanAutosave::remove() {
    if (kept_) {
        kept_ = false;
        inBackground([path = file_.toStdString()](Outcome&) { std::filesystem::remove(path); },
                     [this](const Outcome& outcome) { tellFailure(outcome); });
    }
}

} // namespace caldera::studio
