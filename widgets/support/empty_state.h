// What a view shows while it has nothing: what belongs here, and the action that fills it.
#pragma once

#include <QWidget>

class QLabel;
class QPushButton;
class QAction;

namespace caldera::studio {

class EmptyState : public QWidget {
    Q_OBJECT
public:
    /// `iconName` from resources/icons.
    EmptyState(const QString& iconName, const QString& title, const QString& sentence,
               QWidget* parent = nullptr);

    void setText(const QString& title, const QString& sentence);
    /// The button appears with the first text; clicking it emits triggered().
    void setActionText(const QString& text);
    QPushButton* button() const { return button_; }

Q_SIGNALS:
    void triggered();

private:
    void updatePicture();

    QString iconName_;
    QLabel* picture_;
    QLabel* title_;
    QLabel* sentence_;
    QPushButton* button_;
};

} // namespace caldera::studio
