#include "widgets/chat/message_text_accessible.h"

#include <QAccessibleWidget>

#include <utility>

#include "widgets/chat/message_text.h"

namespace caldera::studio {

namespace {

/// Plain text that can be read, not edited; it has no caret, and its marking is left to the mouse.
class AccessibleMessageText : public QAccessibleWidget, public QAccessibleTextInterface {
public:
    explicit AccessibleMessageText(MessageText* text)
        : QAccessibleWidget(text, QAccessible::StaticText), text_(text) {}

    void* interface_cast(QAccessible::InterfaceType type) override {
        return type == QAccessible::TextInterface ? static_cast<QAccessibleTextInterface*>(this)
                                                  : QAccessibleWidget::interface_cast(type);
    }
    QString text(QAccessible::Text kind) const override {
        return kind == QAccessible::Value ? text_->toPlainText() : QAccessibleWidget::text(kind);
    }
    QAccessible::State state() const override {
        QAccessible::State state = QAccessibleWidget::state();
        state.readOnly = true;
        state.multiLine = true;
        return state;
    }

    QString text(int from, int to) const override {
        return text_->toPlainText().mid(from, to - from);
    }
    int characterCount() const override { return static_cast<int>(text_->toPlainText().size()); }
    int selectionCount() const override { return 0; }
    void selection(int, int* from, int* to) const override { *from = *to = 0; }
    void addSelection(int, int) override {}
    void removeSelection(int) override {}
    void setSelection(int, int, int) override {}
    int cursorPosition() const override { return 0; }
    void setCursorPosition(int) override {}
    QRect characterRect(int) const override { return rect(); }
    int offsetAtPoint(const QPoint&) const override { return 0; }
    void scrollToSubstring(int, int) override {}
    QString attributes(int, int* from, int* to) const override {
        *from = 0;
        *to = characterCount();
        return {};
    }

private:
    MessageText* text_;
};

QAccessibleInterface* interfaceOf(const QString&, QObject* object) {
    auto* text = qobject_cast<MessageText*>(object);
    return text ? new AccessibleMessageText(text) : nullptr;
}

} // namespace

void makeMessageTextAccessible() {
    static const bool isInstalled = [] {
        QAccessible::installFactory(interfaceOf);
        return true;
    }();
    std::ignore = isInstalled;
}

} // namespace caldera::studio
