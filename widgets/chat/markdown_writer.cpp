#include "widgets/chat/markdown_writer.h"

#include <QCoreApplication>
#include <QTextBlock>
#include <QTextDocumentFragment>
#include <QTextFrame>
#include <QTextTable>

#include <md4c.h>

#include "widgets/theme/color_ramp.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kIndent = 24;        // px a list or a quote moves in
constexpr qreal kLineHeight = 135; // percent
constexpr auto kCopyScheme = "copy:"_L1;
constexpr int kCodeProperty = QTextFormat::UserProperty + 1; // index of a code block's table

/// Walks md4c's callbacks and writes through a MarkdownWriter.
class Renderer {
public:
    explicit Renderer(MarkdownWriter& writer) : writer_(writer), format_(writer.textFormat()) {}

    void run(const QString& markdown) {
        const QByteArray bytes = markdown.toUtf8();
        MD_PARSER parser{};
        parser.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_NOHTML |
                       MD_FLAG_PERMISSIVEURLAUTOLINKS | MD_FLAG_TASKLISTS;
        parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* self) {
            return static_cast<Renderer*>(self)->enterBlock(type, detail);
        };
        parser.leave_block = [](MD_BLOCKTYPE type, void*, void* self) {
            return static_cast<Renderer*>(self)->leaveBlock(type);
        };
        parser.enter_span = [](MD_SPANTYPE type, void* detail, void* self) {
            return static_cast<Renderer*>(self)->enterSpan(type, detail);
        };
        parser.leave_span = [](MD_SPANTYPE type, void*, void* self) {
            return static_cast<Renderer*>(self)->leaveSpan(type);
        };
        parser.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* self) {
            return static_cast<Renderer*>(self)->text(type, QUtf8StringView(text, size));
        };
        md_parse(bytes.constData(), static_cast<MD_SIZE>(bytes.size()), &parser, this);
    }

private:
    struct List {
        bool ordered = false;
        bool tight = true;
        unsigned number = 1;
    };

    int enterBlock(MD_BLOCKTYPE type, void* detail) {
        switch (type) {
        case MD_BLOCK_QUOTE:
            ++quotes_;
            format_.setForeground(writer_.style().secondary);
            break;
        case MD_BLOCK_UL:
            lists_.append({false, static_cast<MD_BLOCK_UL_DETAIL*>(detail)->is_tight != 0, 0});
            break;
        case MD_BLOCK_OL: {
            const auto* list = static_cast<MD_BLOCK_OL_DETAIL*>(detail);
            lists_.append({true, list->is_tight != 0, list->start});
            break;
        }
        case MD_BLOCK_LI:
            beginItem(*static_cast<MD_BLOCK_LI_DETAIL*>(detail));
            break;
        case MD_BLOCK_H:
            beginHeading(static_cast<int>(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level));
            break;
        case MD_BLOCK_P:
            if (!std::exchange(itemOpen_, false))
                open(0, kSpaceSmall);
            break;
        case MD_BLOCK_HR:
            rule();
            break;
        case MD_BLOCK_CODE: {
            const MD_ATTRIBUTE& lang = static_cast<MD_BLOCK_CODE_DETAIL*>(detail)->lang;
            language_ = QString::fromUtf8(lang.text, lang.size);
            inCode_ = true;
            code_.clear();
            break;
        }
        case MD_BLOCK_TABLE:
            beginTable(*static_cast<MD_BLOCK_TABLE_DETAIL*>(detail));
            break;
        case MD_BLOCK_TR:
            ++row_;
            column_ = -1;
            break;
        case MD_BLOCK_TH:
        case MD_BLOCK_TD:
            beginTableCell(type == MD_BLOCK_TH, static_cast<MD_BLOCK_TD_DETAIL*>(detail)->align);
            break;
        default:
            break;
        }
        return 0;
    }

    int leaveBlock(MD_BLOCKTYPE type) {
        switch (type) {
        case MD_BLOCK_QUOTE:
            if (--quotes_ == 0)
                format_.setForeground(writer_.style().ink);
            break;
        case MD_BLOCK_UL:
        case MD_BLOCK_OL:
            lists_.removeLast();
            break;
        case MD_BLOCK_LI:
            itemOpen_ = false;
            break;
        case MD_BLOCK_H:
            format_ = writer_.textFormat();
            break;
        case MD_BLOCK_CODE:
            inCode_ = false;
            itemOpen_ = false;
            writer_.writeCode(language_, code_);
            break;
        case MD_BLOCK_TABLE:
            table_ = nullptr;
            writer_.markFresh();
            break;
        case MD_BLOCK_TH:
        case MD_BLOCK_TD:
            format_ = writer_.textFormat();
            break;
        default:
            break;
        }
        return 0;
    }

    int enterSpan(MD_SPANTYPE type, void* detail) {
        spans_.append(format_);
        switch (type) {
        case MD_SPAN_EM:
            format_.setFontItalic(true);
            break;
        case MD_SPAN_STRONG:
            format_.setFontWeight(QFont::DemiBold);
            break;
        case MD_SPAN_DEL:
            format_.setFontStrikeOut(true);
            break;
        case MD_SPAN_CODE:
            format_.setFont(writer_.style().code, QTextCharFormat::FontPropertiesSpecifiedOnly);
            format_.setBackground(writer_.style().codeBackground);
            break;
        case MD_SPAN_A: {
            const MD_ATTRIBUTE& href = static_cast<MD_SPAN_A_DETAIL*>(detail)->href;
            format_.setAnchor(true);
            format_.setAnchorHref(QString::fromUtf8(href.text, href.size));
            format_.setForeground(writer_.style().accent);
            break;
        }
        case MD_SPAN_IMG:
            format_.setFontItalic(true);
            format_.setForeground(writer_.style().secondary);
            break;
        default:
            break;
        }
        return 0;
    }

    int leaveSpan(MD_SPANTYPE) {
        format_ = spans_.takeLast();
        return 0;
    }

    int text(MD_TEXTTYPE type, QUtf8StringView piece) {
        if (inCode_) {
            code_ += piece.toString();
            return 0;
        }
        switch (type) {
        case MD_TEXT_BR:
            write(QString(QChar::LineSeparator));
            break;
        case MD_TEXT_SOFTBR:
            write(u" "_s);
            break;
        case MD_TEXT_NULLCHAR:
            write(QString(QChar::ReplacementCharacter));
            break;
        case MD_TEXT_ENTITY:
            write(QTextDocumentFragment::fromHtml(piece.toString()).toPlainText());
            break;
        default:
            write(piece.toString());
        }
        return 0;
    }

    void write(const QString& piece) {
        if (table_) {
            tableCursor_.insertText(piece, format_);
            return;
        }
        if (!block_)
            open(0, kSpaceSmall);
        block_->insertText(piece, format_);
    }

    int depth() const { return quotes_ + static_cast<int>(lists_.size()); }

    void open(qreal above, qreal below) {
        block_ = &writer_.openBlock(writer_.blockFormat(above, below, depth() * kIndent));
    }

    void beginItem(const MD_BLOCK_LI_DETAIL& item) {
        List& list = lists_.last();
        QTextBlockFormat format =
            writer_.blockFormat(0, list.tight ? kSpaceTiny : kSpaceSmall, depth() * kIndent);
        format.setTextIndent(-kIndent + kSpaceTiny);
        format.setTabPositions({QTextOption::Tab(kIndent - kSpaceTiny, QTextOption::LeftTab)});
        block_ = &writer_.openBlock(format);
        QString marker = list.ordered ? u"%1."_s.arg(list.number++) : u"•"_s;
        if (item.is_task)
            marker = item.task_mark == ' ' ? u"☐"_s : u"☑"_s;
        QTextCharFormat quiet = writer_.textFormat();
        quiet.setForeground(writer_.style().secondary);
        block_->insertText(marker + u'\t', quiet);
        itemOpen_ = true;
    }

    void beginHeading(int level) {
        open(kSpaceSmall, kSpaceSmall);
        format_.setFontWeight(QFont::DemiBold);
        const qreal larger = level == 1 ? 4 : level == 2 ? 2.5 : level == 3 ? 1 : 0;
        format_.setFontPointSize(writer_.style().text.pointSizeF() + larger);
    }

    void rule() {
        QTextBlockFormat format = writer_.blockFormat(kSpaceTiny, kSpaceMedium, 0);
        format.setProperty(QTextFormat::BlockTrailingHorizontalRulerWidth,
                           QTextLength(QTextLength::PercentageLength, 100));
        writer_.openBlock(format);
    }

    void beginTable(const MD_BLOCK_TABLE_DETAIL& detail) {
        QTextTableFormat format;
        format.setBorder(1);
        format.setBorderCollapse(true);
        format.setBorderBrush(writer_.style().line);
        format.setBorderStyle(QTextFrameFormat::BorderStyle_Solid);
        format.setCellPadding(kSpaceTiny);
        format.setBottomMargin(kSpaceMedium);
        format.setLeftMargin(depth() * kIndent);
        QTextCursor& cursor = writer_.openBlock(MarkdownWriter::thinFormat());
        const int rows = static_cast<int>(detail.head_row_count + detail.body_row_count);
        table_ = cursor.insertTable(rows, static_cast<int>(detail.col_count), format);
        row_ = -1;
        cursor.movePosition(QTextCursor::End);
    }

    void beginTableCell(bool head, MD_ALIGN align) {
        ++column_;
        tableCursor_ = table_->cellAt(row_, column_).firstCursorPosition();
        QTextBlockFormat format = writer_.blockFormat(0, 0, 0);
        format.setAlignment(align == MD_ALIGN_RIGHT    ? Qt::AlignRight
                            : align == MD_ALIGN_CENTER ? Qt::AlignHCenter
                                                       : Qt::AlignLeft);
        tableCursor_.setBlockFormat(format);
        if (head)
            format_.setFontWeight(QFont::DemiBold);
    }

    MarkdownWriter& writer_;
    QTextCharFormat format_;
    QList<QTextCharFormat> spans_;
    QList<List> lists_;
    QTextCursor* block_ = nullptr;
    bool itemOpen_ = false; ///< the item's own block waits for its first paragraph
    int quotes_ = 0;
    bool inCode_ = false;
    QString language_;
    QString code_;
    QTextTable* table_ = nullptr;
    QTextCursor tableCursor_;
    int row_ = -1;
    int column_ = -1;
};

QList<QTextFrame*> codeFrames(const QTextDocument& document) {
    QList<QTextFrame*> frames = document.rootFrame()->childFrames();
    frames.removeIf(
        [](const QTextFrame* frame) { return !frame->frameFormat().hasProperty(kCodeProperty); });
    return frames;
}

} // namespace

MarkdownStyle MarkdownStyle::fromTheme() {
    const Theme& theme = Theme::current();
    MarkdownStyle style;
    style.text = theme.textFont();
    style.code = theme.numberFont();
    style.ink = theme.color(Token::Text);
    style.secondary = theme.color(Token::Secondary);
    style.accent = theme.color(Token::Accent);
    style.line = theme.color(Token::Line);
    style.codeBackground = mix(theme.color(Token::Window), theme.color(Token::Line), 0.5);
    return style;
}

MarkdownWriter::MarkdownWriter(QTextDocument& document, MarkdownStyle style)
    : style_(std::move(style)), cursor_(&document) {
    document.setDefaultFont(style_.text);
    cursor_.movePosition(QTextCursor::End);
}

QTextBlockFormat MarkdownWriter::blockFormat(qreal above, qreal below, int indentation) const {
    QTextBlockFormat format;
    format.setTopMargin(above);
    format.setBottomMargin(below);
    format.setLeftMargin(indentation);
    format.setLineHeight(kLineHeight, QTextBlockFormat::ProportionalHeight);
    return format;
}

QTextBlockFormat MarkdownWriter::thinFormat() {
    QTextBlockFormat format;
    format.setLineHeight(1, QTextBlockFormat::FixedHeight);
    return format;
}

QTextCharFormat MarkdownWriter::textFormat() const {
    QTextCharFormat format;
    format.setFont(style_.text);
    format.setForeground(style_.ink);
    return format;
}

QTextCursor& MarkdownWriter::openBlock(const QTextBlockFormat& format) {
    cursor_.movePosition(QTextCursor::End);
    if (std::exchange(fresh_, false)) {
        cursor_.setBlockFormat(format);
        cursor_.setBlockCharFormat(textFormat());
    } else {
        cursor_.insertBlock(format, textFormat());
    }
    return cursor_;
}

void MarkdownWriter::append(const QString& markdown) {
    cursor_.beginEditBlock();
    Renderer(*this).run(markdown);
    cursor_.endEditBlock();
}

void MarkdownWriter::appendPlain(const QString& text) {
    QString lines = text;
    lines.replace(u'\n', QChar::LineSeparator);
    openBlock(blockFormat(0, kSpaceSmall, 0)).insertText(lines, textFormat());
}

void MarkdownWriter::beginCode(const QString& language) {
    const int index = static_cast<int>(codeFrames(*cursor_.document()).size());
    openBlock(thinFormat());
    QTextTableFormat format;
    format.setProperty(kCodeProperty, index);
    format.setWidth(QTextLength(QTextLength::PercentageLength, 100));
    format.setBackground(style_.codeBackground);
    format.setBorder(0);
    format.setCellPadding(kSpaceSmall);
    format.setCellSpacing(0);
    format.setTopMargin(kSpaceTiny);
    format.setBottomMargin(kSpaceMedium);
    QTextTable* table = cursor_.insertTable(2, 2, format);
    table->mergeCells(1, 0, 1, 2);
    QTextCharFormat quiet = textFormat();
    quiet.setForeground(style_.secondary);
    quiet.setFontPointSize(style_.text.pointSizeF() - 1);
    table->cellAt(0, 0).firstCursorPosition().insertText(language, quiet);
    QTextCursor right = table->cellAt(0, 1).firstCursorPosition();
    QTextBlockFormat aligned;
    aligned.setAlignment(Qt::AlignRight);
    right.setBlockFormat(aligned);
    QTextCharFormat link = quiet;
    link.setAnchor(true);
    link.setAnchorHref(copyLink(index));
    link.setForeground(style_.accent);
    right.insertText(QCoreApplication::translate("MarkdownWriter", "Copy"), link);
    code_ = table->cellAt(1, 0).firstCursorPosition();
    markFresh();
}

void MarkdownWriter::markFresh() {
    cursor_.movePosition(QTextCursor::End);
    cursor_.setBlockFormat(thinFormat());
    fresh_ = true;
}

void MarkdownWriter::addCode(const QString& text) {
    QTextCharFormat format;
    format.setFont(style_.code);
    format.setForeground(style_.ink);
    QString lines = text;
    lines.replace(u'\n', QChar::LineSeparator);
    code_.insertText(lines, format);
}

void MarkdownWriter::endCode() {
    code_ = QTextCursor();
}

void MarkdownWriter::writeCode(const QString& language, const QString& text) {
    beginCode(language);
    addCode(text.endsWith(u'\n') ? text.chopped(1) : text);
    endCode();
}

int MarkdownWriter::mark() const {
    const int last = cursor_.document()->characterCount() - 1;
    return fresh_ ? -last - 1 : last;
}

void MarkdownWriter::rewind(int mark) {
    const bool wasFresh = mark < 0;
    cursor_.setPosition(wasFresh ? -mark - 1 : mark);
    cursor_.movePosition(QTextCursor::End, QTextCursor::KeepAnchor);
    cursor_.removeSelectedText();
    if (wasFresh)
        markFresh();
    else
        fresh_ = false;
}

QString MarkdownWriter::copyLink(int index) {
    return kCopyScheme + QString::number(index);
}

int MarkdownWriter::copyIndex(const QString& link) {
    if (!link.startsWith(kCopyScheme))
        return -1;
    bool ok = false;
    const int index = link.mid(kCopyScheme.size()).toInt(&ok);
    return ok ? index : -1;
}

QString codeOfBlock(const QTextDocument& document, int index) {
    const QList<QTextFrame*> frames = codeFrames(document);
    if (index < 0 || index >= frames.size())
        return {};
    auto* table = qobject_cast<QTextTable*>(frames[index]);
    QTextCursor cursor = table->cellAt(1, 0).firstCursorPosition();
    cursor.setPosition(table->cellAt(1, 0).lastCursorPosition().position(),
                       QTextCursor::KeepAnchor);
    QString text = cursor.selectedText();
    text.replace(QChar::LineSeparator, u'\n').replace(QChar::ParagraphSeparator, u'\n');
    return text;
}

} // namespace caldera::studio
