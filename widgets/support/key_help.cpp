#include "widgets/support/key_help.h"

#include <QApplication>
#include <QGridLayout>
#include <QKeyEvent>
#include <QPainter>

#include "widgets/support/labels.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

KeyHelp::KeyHelp(QWidget* parent) : QFrame(parent) {
    setObjectName(u"keyHelp"_s);
    setAccessibleName(tr("Keys"));
    setFocusPolicy(Qt::StrongFocus);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceLarge, kSpaceHuge, kSpaceLarge);
    hide();
}

QWidget* KeyHelp::sectionOf(const KeyHelpSection& section) {
    auto* box = new QWidget(content_);
    auto* grid = new QGridLayout(box);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(kSpaceLarge);
    grid->setVerticalSpacing(kSpaceTiny);
    grid->addWidget(sectionLabel(section.title, box), 0, 0, 1, 2);
    int row = 1;
    for (const KeyHelpLine& line : section.lines) {
        auto* keys = numberLabel(line.keys, box);
        keys->setTone(Token::Accent);
        grid->addWidget(keys, row, 0);
        grid->addWidget(new ToneLabel(line.text, Token::Text, box), row, 1);
        ++row;
    }
    grid->setColumnStretch(1, 1);
    grid->setRowStretch(row, 1);
    return box;
}

void KeyHelp::open(const QList<KeyHelpSection>& sections) {
    delete content_;
    content_ = new QWidget(this);
    auto* columns = new QHBoxLayout(content_);
    columns->setContentsMargins(0, 0, 0, 0);
    columns->setSpacing(kSpaceHuge + kSpaceLarge);
    qsizetype lines = 0;
    for (const KeyHelpSection& section : sections) {
        lines += section.lines.size() + 1;
    }
    QVBoxLayout* column = nullptr;
    qsizetype inColumn = 0;
    for (const KeyHelpSection& section : sections) {
        if (column != nullptr && inColumn >= (lines + 1) / 2) {
            column->addStretch(1);
        }
        if (column == nullptr || inColumn >= (lines + 1) / 2) {
            column = new QVBoxLayout;
            column->setSpacing(kSpaceLarge);
            columns->addLayout(column);
            inColumn = 0;
        }
        column->addWidget(sectionOf(section));
        inColumn += section.lines.size() + 1;
    }
    if (column != nullptr) {
        column->addStretch(1);
    }
    layout()->addWidget(content_);
    layout()->activate();
    const QSize size = sizeHint().boundedTo(parentWidget()->size());
    setGeometry(QRect(QPoint((parentWidget()->width() - size.width()) / 2,
                             (parentWidget()->height() - size.height()) / 2),
                      size));
    before_ = QApplication::focusWidget();
    show();
    raise();
    setFocus();
}

void KeyHelp::close() {
    hide();
    if (before_) {
        before_->setFocus();
    }
}

void KeyHelp::keyPressEvent(QKeyEvent*) {
    close();
}

void KeyHelp::mousePressEvent(QMouseEvent*) {
    close();
}

void KeyHelp::focusOutEvent(QFocusEvent* event) {
    QFrame::focusOutEvent(event);
    hide();
}

void KeyHelp::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const Theme& theme = Theme::current();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(theme.color(Token::Line));
    painter.setBrush(theme.color(Token::Raised));
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), kRadius, kRadius);
}

} // namespace caldera::studio
