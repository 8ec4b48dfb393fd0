// Where a message is written: Enter sends, Shift+Enter breaks the line, Esc stops or backs out.
#pragma once

#include <QPlainTextEdit>
#include <QWidget>

#include "widgets/chat/conversation.h"

class QDoubleSpinBox;
class QPushButton;
class QSpinBox;
class QToolButton;

namespace caldera::studio {

class ToneLabel;

class Composer : public QWidget {
    Q_OBJECT
public:
    explicit Composer(QWidget* parent = nullptr);

    QPlainTextEdit* field() const { return field_; }
    /// While an answer streams the button stops it.
    void setStreaming(bool streaming);
    /// Whether a message can be sent; otherwise `reason` stands below the field.
    void setReady(bool ready, const QString& reason);
    /// Puts an earlier message up for another try; Esc backs out.
    void beginEdit(const QString& text);
    void endEdit();
    bool isEditing() const { return editing_; }

    void setSettings(const QString& systemPrompt, const ChatSampling& sampling);
    QString systemPrompt() const;
    ChatSampling sampling() const;
    void setSettingsShown(bool shown);

Q_SIGNALS:
    void sendRequested(const QString& text);
    void stopRequested();
    void editCancelled();
    void settingsChanged();

protected:
    bool eventFilter(QObject* object, QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    QWidget* buildSettings();
    void submit();
    void fitField();
    void updateButton();
    bool handleKey(int key, Qt::KeyboardModifiers modifiers);

    QPlainTextEdit* field_;
    QPushButton* send_;
    QToolButton* fold_;
    ToneLabel* hint_;
    QWidget* editStrip_;
    QWidget* settings_;
    QPlainTextEdit* system_ = nullptr;
    QDoubleSpinBox* temperature_ = nullptr;
    QDoubleSpinBox* topP_ = nullptr;
    QSpinBox* topK_ = nullptr;
    QDoubleSpinBox* repetition_ = nullptr;
    QSpinBox* maxTokens_ = nullptr;
    QSpinBox* seed_ = nullptr;
    QString draft_; ///< what was written before an edit began
    QString reason_;
    bool streaming_ = false;
    bool ready_ = true;
    bool editing_ = false;
};

} // namespace caldera::studio
