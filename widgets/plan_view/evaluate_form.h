// On what a model is evaluated: what the dialog that begins an evaluation asks.
#pragma once

#include <QString>
#include <QStringList>
#include <QWidget>

class QCheckBox;
class QListWidget;
class QPushButton;
class QSpinBox;

namespace caldera::studio {

class TextChoice;

/// What the person decided.
struct EvaluateSettings {
    bool onText = true;         ///< also on a text, not on questions alone
    QString text;               ///< empty: the text that comes with the program
    QStringList tasks;          ///< files of questions
    int context = 0;            ///< tokens of a window; 0: as the worker does by itself
    bool keepsReference = true; ///< what the original predicts, so that it runs once for a text
};

class EvaluateForm : public QWidget {
    Q_OBJECT
public:
    explicit EvaluateForm(const EvaluateSettings& suggested, QWidget* parent = nullptr);
    EvaluateSettings settings() const;
    /// Whether there is something to evaluate on, and the text was read.
    bool isSound() const;
    /// A file twice counts once.
    void addTasks(const QStringList& files);

    QCheckBox* textBox() const { return onText_; }
    TextChoice* text() const { return text_; }
    QListWidget* tasks() const { return tasks_; }
    QSpinBox* context() const { return context_; }
    QCheckBox* keepBox() const { return keeps_; }

Q_SIGNALS:
    void changed();

private:
    QWidget* makeTasks();
    void chooseTasks();
    void removeTasks();
    void update();

    QCheckBox* onText_;
    TextChoice* text_;
    QSpinBox* context_;
    QCheckBox* keeps_;
    QListWidget* tasks_;
    QPushButton* remove_ = nullptr;
};

} // namespace caldera::studio
