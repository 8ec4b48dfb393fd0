// The tokens of an answer as text in which each can be pointed at, tinted by a number.
#pragma once

#include <QList>
#include <QTextBrowser>

#include "widgets/chat/scored_token.h"

namespace caldera::studio {

/// What is shown about one token beside its text.
struct TokenMark {
    double tint = -1;     ///< 0 calm .. 1 far apart; negative: none
    bool differs = false; ///< underlined, so that colour is not the only sign
    QString toolTip;
    bool operator==(const TokenMark&) const = default;
};

/// Plain text: what a model says is drawn as it stands. Tokens are added at the end; marks may come
/// later.
class TokenText : public QTextBrowser {
    Q_OBJECT
public:
    explicit TokenText(QWidget* parent = nullptr);

    /// Shows these tokens; those that are there already stay.
    void setTokens(const QList<ScoredToken>& tokens);
    /// By token; fewer marks than tokens leave the rest unmarked.
    void setMarks(const QList<TokenMark>& marks);
    /// Frames one token; -1: none.
    void choose(qsizetype index);
    qsizetype tokenAt(const QPoint& position) const;
    qsizetype count() const { return ends_.size(); }

Q_SIGNALS:
    void tokenChosen(qsizetype index);

protected:
    void mouseReleaseEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    bool viewportEvent(QEvent* event) override;

private:
    QTextCharFormat formatOf(const TokenMark& mark) const;
    void applyFormat(qsizetype index);
    void restyle();

    QList<ScoredToken> tokens_;
    QList<int> ends_; ///< position in the document after each token
    QList<TokenMark> marks_;
    qsizetype chosen_ = -1;
};

} // namespace caldera::studio
