// The system prompt and how answers are drawn, with presets of both.
#pragma once

#include <QList>
#include <QWidget>

#include "widgets/chat/chat_preset.h"

class QComboBox;
class QDoubleSpinBox;
class QGridLayout;
class QPlainTextEdit;
class QSpinBox;
class QToolButton;

namespace caldera::studio {

class ChatSettings : public QWidget {
    Q_OBJECT
public:
    explicit ChatSettings(QWidget* parent = nullptr);

    void set(const QString& systemPrompt, const ChatSampling& sampling);
    QString systemPrompt() const;
    const ChatSampling& sampling() const { return sampling_; }

    /// Kept ones; the built-in ones stand before them.
    void setPresets(const QList<ChatPreset>& presets);
    QComboBox* presets() const { return presets_; }
    /// Asks for a name and wants what is set now kept under it.
    void savePreset(const QString& name);

Q_SIGNALS:
    void changed();
    void presetSaved(const ChatPreset& preset);
    void presetRemoved(const ChatPreset& preset);

private:
    QWidget* buildPresets();
    QGridLayout* buildFields();
    void connectFields();
    void askForName();
    /// Marks the preset that is set now, if one is.
    void markPreset();
    ChatPreset current(const QString& name) const;

    QComboBox* presets_;
    QToolButton* save_;
    QToolButton* remove_;
    QPlainTextEdit* system_;
    QDoubleSpinBox* temperature_;
    QDoubleSpinBox* topP_;
    QSpinBox* topK_;
    QDoubleSpinBox* minP_;
    QDoubleSpinBox* repetition_;
    QSpinBox* maxTokens_;
    QSpinBox* seed_;
    ChatSampling sampling_;
    QList<ChatPreset> known_; ///< in the order of the box, from its second entry on
    qsizetype builtIn_;
};

} // namespace caldera::studio
