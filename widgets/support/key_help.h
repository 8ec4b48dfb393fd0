// An overlay that lists keys and what they do; any key or click closes it.
#pragma once

#include <QFrame>
#include <QList>
#include <QPointer>
#include <QString>

namespace caldera::studio {

struct KeyHelpLine {
    QString keys;
    QString text;
};
struct KeyHelpSection {
    QString title;
    QList<KeyHelpLine> lines;
};

class KeyHelp : public QFrame {
    Q_OBJECT
public:
    explicit KeyHelp(QWidget* parent);
    /// In the middle of the parent, in two columns. Closing gives the keyboard back.
    void open(const QList<KeyHelpSection>& sections);

protected:
    void keyPressEvent(QKeyEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    QWidget* sectionOf(const KeyHelpSection& section);
    void close();

    QWidget* content_ = nullptr;
    QPointer<QWidget> before_; ///< had the keyboard
};

} // namespace caldera::studio
