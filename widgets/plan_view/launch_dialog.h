// Asks the few things a run needs that the model and the plan do not say.
#pragma once

#include <QDialog>
#include <QList>
#include <QString>
#include <QTimer>

#include <optional>

#include "widgets/plan_view/measure_form.h"
#include "widgets/remote/pod_jobs.h"
#include "widgets/remote/target.h"

class QComboBox;
class QFormLayout;
class QHBoxLayout;
class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;

namespace caldera::studio {

class PreflightLine;
class PodChoice;

/// What the person decided.
struct LaunchSettings {
    QString name;   ///< of the job
    QString folder; ///< of the artifact of a compression here, must not exist yet
    qint64 calibrationTokens = 0;
    bool compresses = true;     ///< else it measures fragility
    Target target;              ///< where it runs
    QString modelThere;         ///< on another machine: a path, or a name in the Hugging Face cache
    bool forces = false;        ///< begins even where it does not seem to fit
    bool onlyElsewhere = false; ///< the model's weights are not on this machine
    std::optional<PodOrder> pod; ///< it runs on a pod that is rented for it
    double gpuSeconds = -1;      ///< that it takes on an H100; negative: unknown
    qint64 modelBytes = 0;       ///< of the model's files
    QString fingerprint;         ///< of the model: by it the dialog remembers where it lies
    MeasureSettings measuring;   ///< of a measurement
};

class LaunchDialog : public QDialog {
    Q_OBJECT
public:
    /// `summary` says what will be written ("56 cells, 2.41 bits per weight, 2.9 MB"); `targets`
    /// are the machines besides this one.
    LaunchDialog(const LaunchSettings& suggested, const QList<Target>& targets,
                 const QString& summary, QWidget* parent = nullptr);
    LaunchSettings settings() const;
    /// Other machines than before; the one that was chosen stays.
    void setTargets(const QList<Target>& targets);
    /// Offers to rent a pod as well; `choice` becomes a part of the dialog.
    void offerPod(PodChoice* choice);
    PodChoice* podChoice() const { return pod_; }
    /// Asks what to measure as well; `form` becomes a part of the dialog.
    void askMeasuring(MeasureForm* form);
    MeasureForm* measuring() const { return measuring_; }
    QComboBox* targetChoice() const { return target_; }
    QLineEdit* folder() const { return folder_; }
    QLineEdit* modelThere() const { return model_; }
    QPushButton* startButton() const { return start_; }
    /// What the run takes, as whoever answers checkRequested() says.
    PreflightLine* preflight() const { return preflight_; }

Q_SIGNALS:
    /// The person wants to add or change machines.
    void machinesRequested();
    /// What these settings take is wanted.
    void checkRequested(const caldera::studio::LaunchSettings& settings);

private:
    void explainFields();
    void fillForm();
    QWidget* makeButtons();
    void connectFields();
    QWidget* folderLine();
    QWidget* targetLine();
    void remember() const;
    void chooseFolder();
    void showTarget();
    void updateButton();
    void forgetCheck();
    void check();
    void showDownload();
    Target chosen() const;
    QStringList targetNames() const;
    QString note(const Target& target) const;

    LaunchSettings suggested_;
    QList<Target> targets_;
    PodChoice* pod_ = nullptr;
    MeasureForm* measuring_ = nullptr;
    QHBoxLayout* columns_; ///< what is done, and where
    QWidget* podBox_;      ///< what the choice stands in
    QFormLayout* form_;
    QComboBox* target_;
    QLineEdit* name_;
    QLineEdit* model_;
    QWidget* folderRow_ = nullptr;
    QLineEdit* folder_;
    QSpinBox* tokens_;
    QLabel* note_;
    PreflightLine* preflight_;
    QTimer checkSoon_; ///< not for every letter that is typed
    QPushButton* start_;
};

/// The next launch for the model suggests this machine and this place there.
void rememberModelThere(const QString& target, const QString& fingerprint, const QString& place);

/// A folder for an artifact of this name that does not exist yet, in the user's data folder.
/// Looks at the disk: not on the GUI thread.
QString suggestArtifactFolder(const QString& name);

} // namespace caldera::studio
