// A part of a page where messages come and go without moving what stands around it.
#pragma once

#include <QWidget>

namespace caldera::studio {

/// Messages above a content that gives them its height.
class MessageRoom : public QWidget {
    Q_OBJECT
public:
    /// Never lower than `leastHeight`; `content` becomes a part of it.
    MessageRoom(QWidget* content, int leastHeight, QWidget* parent = nullptr);
    /// Moves a message here, below those that are here; one that is here stays.
    void addMessage(QWidget* message);

    /// Else every change of a text around it would measure the wrapped sentences of messages.
    bool hasHeightForWidth() const override { return false; }
    /// As high as its messages need.
    QSize minimumSizeHint() const override;

private:
    QWidget* content_;
    int leastHeight_;
};

} // namespace caldera::studio
