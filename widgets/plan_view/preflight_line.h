// What a run takes and whether it fits, in a dialog before it begins.
#pragma once

#include <QWidget>

#include "core/preflight/preflight.h"

class QCheckBox;
class QPushButton;

namespace caldera::studio {

class ToneLabel;

/// "4 GiB of memory (17 GiB free), about 3 min"; what does not fit in the warning colour, with a
/// box to begin all the same.
class PreflightLine : public QWidget {
    Q_OBJECT
public:
    explicit PreflightLine(QWidget* parent = nullptr);

    /// The question is on its way.
    void showAsking();
    void showAnswer(const Preflight& preflight);
    /// It could not be asked; or it was (`isRefused`), and the run would fail as it is.
    void showFailure(const QString& sentence, bool isRefused);
    /// Nothing is known; a button asks, where asking takes a login.
    void showNothing(bool offersToAsk);

    /// Whether the run may begin: it fits, nothing is known, or the person insists.
    bool mayStart() const;
    /// Whether it is to begin although it does not fit.
    bool forces() const;
    QString text() const;
    QCheckBox* forceBox() const { return force_; }
    QPushButton* askButton() const { return ask_; }

Q_SIGNALS:
    void askRequested();
    /// mayStart() may have changed.
    void changed();

private:
    void show(const QString& text, bool isProblem, bool offersToAsk);

    ToneLabel* text_;
    QPushButton* ask_;
    QCheckBox* force_;
    bool isProblem_ = false;
    bool offersToAsk_ = false; ///< it takes a login
};

/// The answer in the studio's words.
QString preflightText(const Preflight& preflight);

} // namespace caldera::studio
