// Asks the few things a compression needs that the plan does not say.
#pragma once

#include <QDialog>
#include <QString>

class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;

namespace caldera::studio {

/// What the person decided.
struct LaunchSettings {
    QString name;   ///< of the job
    QString folder; ///< of the artifact, must not exist yet
    qint64 calibrationTokens = 0;
};

class LaunchDialog : public QDialog {
    Q_OBJECT
public:
    /// `summary` says what will be written ("56 cells, 2.41 bits per weight, 2.9 MB").
    LaunchDialog(const LaunchSettings& suggested, const QString& summary,
                 QWidget* parent = nullptr);
    LaunchSettings settings() const;

private:
    void chooseFolder();
    void updateButton();

    QLineEdit* name_;
    QLineEdit* folder_;
    QSpinBox* tokens_;
    QPushButton* start_;
};

/// A folder for an artifact of this name that does not exist yet, in the user's data folder.
/// Looks at the disk: not on the GUI thread.
QString suggestArtifactFolder(const QString& name);

} // namespace caldera::studio
