// The page of Inspect that asks which cells moved the probability of a token, and offers them more
// bits.
#pragma once

#include "widgets/inspect_view/inspect_page.h"

class QLineEdit;
class QPlainTextEdit;
class QPushButton;
class QSpinBox;
class QStackedWidget;

namespace caldera::studio {

class CellTable;
class Session;
class ToneLabel;

/// What one more bit for some cells would cost.
struct BitOffer {
    std::vector<std::pair<Cell, double>> bits; ///< the new bits, of cells that can have more
    int64_t bytes = 0;                         ///< more than now
};

class BlamePage : public InspectPage {
    Q_OBJECT
public:
    explicit BlamePage(Session& session, QWidget* parent = nullptr);
    void look(const InspectFocus& focus) override;

    QPlainTextEdit* text() const { return text_; }
    QSpinBox* tokenBox() const { return token_; }
    QPushButton* findButton() const { return find_; }
    QSpinBox* countBox() const { return count_; }
    QPushButton* offerButton() const { return give_; }
    QPushButton* putBackButton() const { return putBack_; }
    CellTable* cells() const { return cells_; }
    ToneLabel* verdict() const { return verdict_; }
    /// Says that a word of an answer is being explained; empty: none is any more.
    void expect(const QString& word);
    ToneLabel* expected() const { return expected_; }
    /// One more bit for the cells that the table lists first.
    BitOffer offer() const;

Q_SIGNALS:
    /// `place` counts tokens from 1; 0: the token that lost most.
    void blameRequested(const QString& text, int place);
    /// A person wants to chat with the original weights of these cells.
    void putBackRequested(const QStringList& cells);

private:
    QWidget* makeQuestion();
    QWidget* makeAnswer();
    QLayout* makeOffer();
    void putBack();
    void showBlame();
    void showOffer();
    void giveBits();

    Session& session_;
    std::vector<Cell> ranked_; ///< by what they gain, most first
    QPlainTextEdit* text_ = nullptr;
    QSpinBox* token_ = nullptr;
    QPushButton* find_ = nullptr;
    ToneLabel* expected_ = nullptr;
    ToneLabel* verdict_ = nullptr;
    CellTable* cells_ = nullptr;
    QSpinBox* count_ = nullptr;
    QPushButton* give_ = nullptr;
    QPushButton* putBack_ = nullptr;
    QWidget* answer_ = nullptr;
};

} // namespace caldera::studio
