// Where a message is written: Enter sends, Shift+Enter breaks the line, Esc stops or backs out.
#pragma once

#include <QPlainTextEdit>
#include <QWidget>

class QPushButton;
class QToolButton;

namespace caldera::studio {

class ChatSettings;
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

    /// What should be known before the next message is sent; empty: nothing.
    void setWarning(const QString& sentence);

    ChatSettings* settings() const { return settings_; }
    void setSettingsShown(bool shown);

Q_SIGNALS:
    void sendRequested(const QString& text);
    void stopRequested();
    void editCancelled();

protected:
    bool eventFilter(QObject* object, QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    void prepareField();
    void prepareControls();
    void buildEditStrip();
    void layOut();
    void submit();
    void fitField();
    void updateButton();
    bool handleKey(int key, Qt::KeyboardModifiers modifiers);

    QPlainTextEdit* field_;
    QPushButton* send_;
    QToolButton* fold_;
    ToneLabel* hint_;
    QWidget* editStrip_;
    ChatSettings* settings_;
    QString draft_; ///< what was written before an edit began
    QString reason_;
    QString warning_;
    bool streaming_ = false;
    bool ready_ = true;
    bool editing_ = false;
};

} // namespace caldera::studio
