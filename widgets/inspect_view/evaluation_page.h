// The scoreboard of Inspect: evaluations of all artifacts, on texts and tasks.
#pragma once

#include "widgets/inspect_view/inspect_page.h"
#include "widgets/models/evaluation_board.h"
#include "widgets/models/value_table_model.h"

class QPushButton;
class QStackedWidget;

namespace caldera::studio {

class Session;
class Table;
class ToneLabel;

class EvaluationPage : public InspectPage {
    Q_OBJECT
public:
    explicit EvaluationPage(Session& session, QWidget* parent = nullptr);
    void look(const InspectFocus& focus) override;
    /// Reads the evaluations again, and shows them with those of what is open.
    void refresh();
    const QList<BoardEntry>& entries() const { return entries_; }
    Table* table() const { return table_; }
    ValueTableModel& model() { return model_; }
    QComboBox* numberBox() const { return number_; }
    ToneLabel* comparison() const { return comparison_; }
    Plot* plot() const { return plot_; }
    QPushButton* evaluateButton() const { return evaluate_; }

Q_SIGNALS:
    void evaluateRequested();

protected:
    void showEvent(QShowEvent* event) override;

private:
    QWidget* makeBoard();
    void take(const Board& board);
    void showTable();
    /// What is compared: all results on the text of the selected one.
    void showComparison();
    QString besideTheBest(const BoardEntry& entry) const;
    /// Rows of the table that are selected, by entries_.
    QList<int> selected() const;
    bool isOpen(const BoardEntry& entry) const;
    const BoardNumber& number() const;

    Session& session_;
    QList<BoardEntry> entries_;
    ValueTableModel model_;
    QStackedWidget* stack_;
    Table* table_ = nullptr;
    ToneLabel* note_;
    ToneLabel* comparison_ = nullptr;
    QComboBox* number_ = nullptr;
    QPushButton* export_;
    QPushButton* evaluate_;
    Plot* plot_ = nullptr;
    int generation_ = 0; ///< counts reads: the last one is shown
};

} // namespace caldera::studio
