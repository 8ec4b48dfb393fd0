// Says what a run without settings does and takes, and lets a person begin it.
#pragma once

#include <QDialog>

class QPushButton;

namespace caldera::studio {

class PreflightLine;

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

Q_SIGNALS:
    void checkRequested();

protected:
    void showEvent(QShowEvent* event) override;

private:
    Check check_;
    PreflightLine* preflight_;
    QPushButton* start_;
};

} // namespace caldera::studio
