// Says what a run does and takes, asks the little that it leaves open, and lets a person begin it.
#pragma once

#include <QDialog>
#include <QTimer>

class QPushButton;
class QVBoxLayout;

namespace caldera::studio {

class EvaluateForm;
class PreflightLine;
struct EvaluateSettings;

class BeginDialog : public QDialog {
    Q_OBJECT
public:
    /// How it is found out what the run takes.
    enum class Check {
        AtOnce,   ///< on this machine
        OnAsking, ///< it takes a login
        Never     ///< there is no machine yet that could say it
    };

    BeginDialog(const QString& title, const QString& summary, Check check,
                QWidget* parent = nullptr);
    /// What the run takes, as whoever answers checkRequested() says.
    PreflightLine* preflight() const { return preflight_; }
    QPushButton* startButton() const { return start_; }
    /// Also asks on what to evaluate.
    void askEvaluation(const EvaluateSettings& suggested);
    /// Null where nothing is asked.
    EvaluateForm* evaluation() const { return evaluation_; }

Q_SIGNALS:
    void checkRequested();

protected:
    void showEvent(QShowEvent* event) override;

private:
    void check();
    void forgetCheck();
    void update();

    Check check_;
    QTimer recheck_; ///< a check waits until nothing more is changed
    PreflightLine* preflight_;
    EvaluateForm* evaluation_ = nullptr;
    QVBoxLayout* layout_;
    QPushButton* start_;
};

} // namespace caldera::studio
