// An error where it happened: the sentence, one action, details that fold out and can be copied.
#pragma once

#include <QWidget>

#include <functional>

#include "widgets/support/failure.h"

class QLabel;
class QPlainTextEdit;
class QPushButton;
class QToolButton;

namespace caldera::studio {

/// Hidden while there is nothing to say. Place it at the top of a view's layout.
class ErrorBanner : public QWidget {
    Q_OBJECT
public:
    explicit ErrorBanner(QWidget* parent = nullptr);

    struct Action {
        QString text;
        std::function<void()> run; ///< called after the banner has closed
    };
    void showFailure(const Failure& failure, const QString& details = {});
    void showFailure(const Failure& failure, const QString& details, Action action);
    /// Other words for the same failure; what was closed stays closed.
    void setSentence(const QString& sentence);
    void clear();
    QString sentence() const;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    void setDetailsShown(bool shown);
    void copyAll() const;

    QLabel* picture_;
    QLabel* sentence_;
    QPushButton* action_;
    QToolButton* fold_;
    QToolButton* copy_;
    QPlainTextEdit* details_;
    std::function<void()> run_;
};

} // namespace caldera::studio
