// Measures how fast the open artifact answers, and compares that with earlier measurements.
#pragma once

#include <QDialog>
#include <QPointer>
#include <QProcess>

#include "widgets/chat/sweep_plan.h"
#include "widgets/chat/sweep_run.h"

class QComboBox;
class QLineEdit;
class QProgressBar;
class QPushButton;
class QSpinBox;

namespace caldera::studio {

class ErrorBanner;
class SweepTable;
class ToneLabel;

/// Runs `caldera bench chats` beside the chat's engine. Closing it ends the measurement.
class SweepDialog : public QDialog {
    Q_OBJECT
public:
    /// `worker`: path of the `caldera` program; `history`: the file that keeps the runs.
    SweepDialog(QString artifact, QString worker, QString history, QWidget* parent = nullptr);
    ~SweepDialog() override;

    /// Asks for room first.
    void measure();
    /// There is room: nothing else holds the model or answers.
    void begin();
    void stop();
    bool isMeasuring() const { return awaitsRoom_ || process_; }
    /// Compares with this run of the history; -1: with none.
    void compareWith(int index);

    const QList<SweepRun>& runs() const { return runs_; }
    SweepTable* table() const { return table_; }
    QLineEdit* promptsBox() const { return prompts_; }
    QLineEdit* chatsBox() const { return chats_; }
    QSpinBox* tokensBox() const { return tokens_; }
    QPushButton* measureButton() const { return measure_; }
    QPushButton* exportButton() const { return export_; }
    /// What is to be measured, and how long that takes or why it cannot be.
    ToneLabel* planLabel() const { return planFacts_; }
    /// How the run that is shown compares with the chosen one.
    ToneLabel* verdict() const { return verdict_; }

Q_SIGNALS:
    /// Whoever holds the model lets go of it and calls begin().
    void roomNeeded();
    /// Nothing is measured any more.
    void ended();
    void measured();

private:
    void layOut();
    QWidget* makePlan();
    /// Nothing while one of the fields holds no such numbers.
    std::optional<SweepPlan> plan() const;
    void showPlan();
    void takeRuns(const QList<SweepRun>& runs);
    void takeEnd(int code, QProcess::ExitStatus how);
    void fill();
    void showState();
    const SweepRun* shown() const;
    const SweepRun* baseline() const;

    QString artifact_;
    QString worker_;
    QString history_;
    QList<SweepRun> runs_; ///< oldest first; the last is shown
    QPointer<QProcess> process_;
    bool awaitsRoom_ = false;
    QByteArray messages_;

    ErrorBanner* banner_;
    ToneLabel* facts_;
    QComboBox* baseline_;
    ToneLabel* verdict_;
    SweepTable* table_;
    QLineEdit* prompts_ = nullptr;
    QLineEdit* chats_ = nullptr;
    QSpinBox* tokens_ = nullptr;
    ToneLabel* planFacts_ = nullptr;
    QProgressBar* progress_;
    QPushButton* measure_;
    QPushButton* export_;
};

} // namespace caldera::studio
