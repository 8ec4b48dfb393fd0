#include "widgets/runs/job_log.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QScrollBar>
#include <QSyntaxHighlighter>
#include <QTextBlock>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/runs/phase_look.h"
#include "widgets/support/icon_button.h"
#include "widgets/support/labels.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kClockLength = 8; // "12:34:56"
constexpr qsizetype kMostMatches = 2000;
enum LineKind { Plain = 0, Stage = 1, Fault = 2 };

/// The clock in the quiet tone, stages and errors in theirs.
class LogColors : public QSyntaxHighlighter {
public:
    using QSyntaxHighlighter::QSyntaxHighlighter;

protected:
    void highlightBlock(const QString& text) override {
        const Theme& theme = Theme::current();
        setFormat(0, kClockLength, theme.color(Token::Secondary));
        const int kind = currentBlock().userState();
        if (kind <= Plain)
            return;
        QTextCharFormat format;
        format.setForeground(theme.color(kind == Fault ? Token::Bad : Token::Accent));
        setFormat(kClockLength, static_cast<int>(text.size()) - kClockLength, format);
    }
};

QToolButton* stepButton(const QString& iconName, const QString& text, QWidget* parent) {
    QToolButton* button = iconButton(iconName, text, parent);
    button->setEnabled(false);
    return button;
}

QString lineText(const JobLogLine& line) {
    const QString clock = line.time.isValid() ? line.time.toLocalTime().toString(u"HH:mm:ss"_s)
                                              : QString(kClockLength, u' ');
    QString text = line.level == "stage"_L1       ? stageTitle(line.text)
                   : line.level == "resumed"_L1   ? JobLog::tr("Resumed.")
                   : line.level == "cancelled"_L1 ? JobLog::tr("Cancelled.")
                                                  : line.text;
    text.replace(u'\n', u' ');
    return clock + "  "_L1 + text;
}

} // namespace

JobLog::JobLog(QWidget* parent)
    : QWidget(parent), search_(new QLineEdit(this)),
      found_(new ToneLabel(QString(), Token::Secondary, this)),
      previous_(stepButton(u"chevron-up"_s, tr("Previous match (Shift+Enter)"), this)),
      next_(stepButton(u"chevron-down"_s, tr("Next match (Enter)"), this)),
      text_(new QPlainTextEdit(this)) {
    search_->setPlaceholderText(tr("Search the log"));
    search_->setAccessibleName(tr("Search the log"));
    search_->setClearButtonEnabled(true);
    search_->setMaximumWidth(260);
    search_->addAction(icon(u"search"_s), QLineEdit::LeadingPosition);
    text_->setReadOnly(true);
    text_->setFont(Theme::current().numberFont());
    text_->setLineWrapMode(QPlainTextEdit::WidgetWidth);
    text_->setMaximumBlockCount(static_cast<int>(kShownLines));
    text_->setAccessibleName(tr("Log"));
    text_->setPlaceholderText(tr("What the worker says appears here."));
    auto* colors = new LogColors(text_->document());
    connect(&Theme::current(), &Theme::themeChanged, colors, &LogColors::rehighlight);

    auto* bar = new QHBoxLayout;
    bar->setSpacing(kSpaceTiny);
    bar->addWidget(sectionLabel(tr("Log"), this));
    bar->addStretch(1);
    bar->addWidget(found_);
    bar->addWidget(search_, 1);
    bar->addWidget(previous_);
    bar->addWidget(next_);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addLayout(bar);
    layout->addWidget(text_, 1);

    connect(search_, &QLineEdit::textChanged, this, [this] {
        findAll();
        current_ = matches_.isEmpty() ? -1 : matches_.size();
        step(-1);
    });
    connect(search_, &QLineEdit::returnPressed, this, [this] { step(1); });
    connect(previous_, &QToolButton::clicked, this, [this] { step(-1); });
    connect(next_, &QToolButton::clicked, this, [this] { step(1); });
}

void JobLog::show(const QString& jobId, const JobHistory& history) {
    if (jobId != jobId_) {
        jobId_ = jobId;
        shown_ = 0;
        text_->clear();
        matches_.clear();
        current_ = -1;
    }
    const qint64 first = history.droppedLines();
    const qint64 end = first + history.log().size();
    const qint64 from = qMax(qMax(shown_, first), end - kShownLines);
    if (from >= end)
        return;
    append(history.log().mid(from - first));
    shown_ = end;
    if (!search_->text().isEmpty())
        findAll();
}

void JobLog::append(const QList<JobLogLine>& lines) {
    QScrollBar* bar = text_->verticalScrollBar();
    const bool atEnd = bar->value() >= bar->maximum();
    QTextCursor cursor(text_->document());
    cursor.beginEditBlock();
    for (const JobLogLine& line : lines) {
        cursor.movePosition(QTextCursor::End);
        if (!text_->document()->isEmpty())
            cursor.insertBlock();
        cursor.block().setUserState(line.level == "error"_L1   ? Fault
                                    : line.level == "stage"_L1 ? Stage
                                                               : Plain);
        cursor.insertText(lineText(line));
    }
    cursor.endEditBlock();
    if (atEnd)
        bar->setValue(bar->maximum());
}

void JobLog::focusSearch() {
    search_->setFocus(Qt::ShortcutFocusReason);
    search_->selectAll();
}

void JobLog::keyPressEvent(QKeyEvent* event) {
    if (event->matches(QKeySequence::Find)) {
        focusSearch();
    } else if (event->key() == Qt::Key_Escape && !search_->text().isEmpty()) {
        search_->clear();
    } else if (event->key() == Qt::Key_Return && event->modifiers() == Qt::ShiftModifier) {
        step(-1);
    } else {
        QWidget::keyPressEvent(event);
    }
}

void JobLog::findAll() {
    matches_.clear();
    const QString wanted = search_->text();
    QTextCursor cursor(text_->document());
    while (!wanted.isEmpty() && matches_.size() < kMostMatches) {
        cursor = text_->document()->find(wanted, cursor);
        if (cursor.isNull())
            break;
        matches_.append(cursor);
    }
    current_ = qMin(current_, matches_.size() - 1);
    markMatches();
}

void JobLog::step(int direction) {
    if (matches_.isEmpty()) {
        markMatches();
        return;
    }
    current_ = (current_ + direction + matches_.size()) % matches_.size();
    QTextCursor place = matches_[current_];
    place.setPosition(place.selectionStart());
    text_->setTextCursor(place);
    text_->ensureCursorVisible();
    markMatches();
}

void JobLog::markMatches() {
    QList<QTextEdit::ExtraSelection> marks;
    QColor quiet = Theme::current().color(Token::Warn);
    for (qsizetype i = 0; i < matches_.size(); ++i) {
        QTextEdit::ExtraSelection mark;
        mark.cursor = matches_[i];
        quiet.setAlphaF(i == current_ ? 0.55F : 0.22F);
        mark.format.setBackground(quiet);
        marks.append(mark);
    }
    text_->setExtraSelections(marks);
    const bool any = !matches_.isEmpty();
    previous_->setEnabled(any);
    next_->setEnabled(any);
    if (search_->text().isEmpty())
        found_->clear();
    else
        found_->setText(any ? tr("%1 of %2").arg(current_ + 1).arg(matches_.size())
                            : tr("No match"));
}

} // namespace caldera::studio
