// Asks what ssh asks: a passphrase, a password, a code.
#pragma once

#include <QDialog>

class QLineEdit;

namespace caldera::studio {

class LoginPrompts;

class LoginDialog : public QDialog {
    Q_OBJECT
public:
    /// `question` is ssh's own; `place` says for which host it is.
    LoginDialog(const QString& place, const QString& question, QWidget* parent = nullptr);
    QString text() const;

private:
    QLineEdit* edit_;
};

/// Opens a dialog on `parent` and passes its answer on.
void askForLogin(LoginPrompts& prompts, int number, const QString& place, const QString& question,
                 QWidget* parent);

} // namespace caldera::studio
