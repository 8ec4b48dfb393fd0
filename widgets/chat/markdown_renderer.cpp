#include "widgets/chat/markdown_renderer.h"

#include <QTextDocumentFragment>
#include <QTextTable>

#include <utility>

#include <md4c.h>

#include "widgets/chat/markdown_writer.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kIndent = 24; // px a list or a quote moves in

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
        case MD_BLOCK_UL:
        case MD_BLOCK_OL:
        case MD_BLOCK_LI:
            enterList(type, detail);
            break;
        case MD_BLOCK_TABLE:
        case MD_BLOCK_TR:
        case MD_BLOCK_TH:
        case MD_BLOCK_TD:
            enterTable(type, detail);
            break;
        case MD_BLOCK_QUOTE:
            ++quotes_;
            format_.setForeground(writer_.style().secondary);
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
        case MD_BLOCK_CODE:
            beginCode(static_cast<MD_BLOCK_CODE_DETAIL*>(detail)->lang);
            break;
        default:
            break;
        }
        return 0;
    }

    void enterList(MD_BLOCKTYPE type, void* detail) {
        if (type == MD_BLOCK_LI) {
            beginItem(*static_cast<MD_BLOCK_LI_DETAIL*>(detail));
        } else if (type == MD_BLOCK_UL) {
            lists_.append({false, static_cast<MD_BLOCK_UL_DETAIL*>(detail)->is_tight != 0, 0});
        } else {
            const auto* list = static_cast<MD_BLOCK_OL_DETAIL*>(detail);
            lists_.append({true, list->is_tight != 0, list->start});
        }
    }

    void enterTable(MD_BLOCKTYPE type, void* detail) {
        if (type == MD_BLOCK_TABLE) {
            beginTable(*static_cast<MD_BLOCK_TABLE_DETAIL*>(detail));
        } else if (type == MD_BLOCK_TR) {
            ++row_;
            column_ = -1;
        } else {
            beginTableCell(type == MD_BLOCK_TH, static_cast<MD_BLOCK_TD_DETAIL*>(detail)->align);
        }
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

    void beginCode(const MD_ATTRIBUTE& language) {
        language_ = QString::fromUtf8(language.text, language.size);
        inCode_ = true;
        code_.clear();
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

} // namespace

void renderMarkdown(const QString& markdown, MarkdownWriter& writer) {
    Renderer(writer).run(markdown);
}

} // namespace caldera::studio
