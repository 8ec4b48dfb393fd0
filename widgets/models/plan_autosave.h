// Unsaved changes of the plan, kept in the state folder so that a killed studio loses none older
// than a second.
#pragma once

#include <QObject>
#include <QString>
#include <QThreadPool>
#include <QTimer>

#include <memory>

#include "core/plan/plan.h"
#include "widgets/support/failure.h"

namespace caldera::studio {

class Session;

/// What was not saved when the studio ended.
struct UnsavedPlan {
    Plan plan;
    QString file;                      ///< that it belongs to; empty: none
    std::shared_ptr<const Plan> saved; ///< as it stands there; null without a file that is readable
};

/// One file for each model or artifact, written on a thread of its own and removed when the plan
/// is saved.
class PlanAutosave : public QObject {
    Q_OBJECT
public:
    /// Files lie in `folder`, which is made when needed.
    PlanAutosave(Session& session, const QString& folder, QObject* parent = nullptr);
    /// Writes what waits.
    ~PlanAutosave() override;

    /// The longest that a change waits until it is written, in milliseconds.
    static constexpr int kDelay = 250;
    /// After this time what could not be written is tried again.
    static constexpr int kRetryDelay = 2000;

Q_SIGNALS:
    /// The model that was just opened had unsaved changes. They are in the plan again, as a step
    /// that can be undone.
    void restored(const QString& file);
    /// A try to write changes ended.
    void tried(bool written);
    /// Told once of changes that cannot be written, however often that is tried.
    void failed(const caldera::studio::Failure& failure);

private:
    struct Outcome;
    template <typename Work, typename Done>
    void inBackground(Work work, Done done);
    /// Another plan is about to take the place of this one.
    void finish();
    void lookFor();
    void restore(const UnsavedPlan& unsaved);
    void notice();
    /// What becomes of a file that is there already.
    enum class Existing { Replace, Keep };
    void write(Existing existing);
    void endWriting(const QString& file, const Outcome& outcome);
    void takeTrouble(const QString& file, const Outcome& outcome);
    void tellFailure(const Outcome& outcome);
    void remove();

    Session& session_;
    QString folder_;
    QString file_; ///< of what is open; empty while it is not known
    QThreadPool pool_;
    QTimer timer_;
    bool looking_ = false; ///< for unsaved changes, so that none may be removed
    bool kept_ = false;    ///< the file is there
    bool told_ = false;    ///< that the changes up to now cannot be written
};

} // namespace caldera::studio
