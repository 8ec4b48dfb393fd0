// The blocks of a message, one below another, each a small document that is laid out once.
#pragma once

#include <compare>
#include <memory>
#include <vector>

#include <QRect>
#include <QTextDocument>

namespace caldera::studio {

enum class BlockKind {
    Text,     ///< a paragraph, list, table or heading
    CodeHead, ///< the line above code: its language, and a link that copies it
    Code      ///< a part of a code block; parts of the same one stand without a gap
};

/// What a message shows. Blocks are added at the end, and only the last one may change, so neither
/// adding nor drawing costs more in a long message than in a short one. All lengths in pixels.
class BlockStack {
public:
    /// A place in the text.
    struct Place {
        int block = 0;
        int position = 0; ///< in the block's document
        auto operator<=>(const Place&) const = default;
    };

    void clear();
    /// Begins a block below the last one, to be written through its document. In plain text
    /// `parting` stands between the two.
    QTextDocument& begin(BlockKind kind, const QString& parting = QStringLiteral("\n\n"));
    /// Takes the last block away.
    void removeLast();
    /// The last block was written in.
    void measureLast();
    int count() const { return static_cast<int>(blocks_.size()); }
    BlockKind kind(int block) const { return blocks_[static_cast<std::size_t>(block)].kind; }
    QTextDocument& document(int block) const;

    /// Blocks keep their old heights until layOut() comes to them.
    void setWidth(int width);
    int width() const { return width_; }
    /// Lays out blocks first .. last anew where the width changed; true when heights changed.
    bool layOut(int first, int last);
    /// Lays out one block that waits for it; false when none does.
    bool layOutNext();

    int height() const;
    QRect rectOf(int block) const;
    /// The block at this height, or the nearest one; -1 when there is none.
    int blockAt(int y) const;
    Place placeAt(const QPoint& point) const;
    /// The address of the link under the point; empty when there is none.
    QString linkAt(const QPoint& point) const;
    Place end() const;

    /// Plain text between two places, without the heads of code.
    QString text(const Place& from, const Place& to) const;
    QString toPlainText() const { return text({}, end()); }
    /// The code below a head.
    QString codeBelow(int head) const;

private:
    struct Block {
        BlockKind kind = BlockKind::Text;
        QString parting;
        std::unique_ptr<QTextDocument> document;
        int top = 0;
        int height = 0;
        int laidOutFor = -1; ///< width
    };

    static int gapBetween(const Block& above, const Block& below);
    bool isCode(int block) const;
    /// Whether its height changed.
    bool measure(Block& block) const;
    void stackFrom(int block);

    std::vector<Block> blocks_;
    int width_ = 0;
    int nextStale_ = 0; ///< blocks before it fit the width
};

} // namespace caldera::studio
