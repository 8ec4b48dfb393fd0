// The fields of one target.
#pragma once

#include <QWidget>

#include "widgets/remote/target.h"

class QComboBox;
class QFormLayout;
class QLineEdit;
class QSpinBox;

namespace caldera::studio {

class FileLine;

/// Of an SSH host or of a SLURM cluster. Host keys and what it does not show stay as they were,
/// except that another host or port forgets the confirmed keys.
class TargetForm : public QWidget {
    Q_OBJECT
public:
    explicit TargetForm(QWidget* parent = nullptr);
    void setTarget(const Target& target);
    Target target() const;

Q_SIGNALS:
    void edited();

private:
    void addSshRows();
    void addSlurmRows();
    QLineEdit* addLine(const QString& label, const QString& placeholder, const QString& toolTip);
    void addWorkerRows();
    void showKind();
    void showWorker();

    Target before_;
    QFormLayout* form_;
    QComboBox* kind_;
    QLineEdit* name_;
    QLineEdit* host_;
    QSpinBox* port_;
    QLineEdit* user_;
    FileLine* key_;
    QLineEdit* jumps_;
    QLineEdit* folder_;
    QLineEdit* worker_;
    FileLine* bundle_;
    QLineEdit* bundleUrl_;
    QLineEdit* partition_;
    QLineEdit* account_;
    QLineEdit* timeLimit_;
    QLineEdit* gpus_;
    QSpinBox* memory_;
    QSpinBox* cpus_;
    QSpinBox* shards_;
};

} // namespace caldera::studio
