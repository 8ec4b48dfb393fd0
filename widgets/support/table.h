// Tables as the studio shows them, and what leaves them.
#pragma once

#include <QTableView>

namespace caldera::studio {

/// Settings that all tables of the studio share: rows without a grid, one selected row, headings
/// that stay, no numbers at the side.
void makeQuietTable(QTableView& table);

/// A quiet table whose context menu copies it and exports it as CSV.
class Table : public QTableView {
    Q_OBJECT
public:
    /// `name` names the exported file and the accessible widget.
    explicit Table(const QString& name, QWidget* parent = nullptr);

    /// What a cell of the model is in files.
    static constexpr int kExportRole = Qt::UserRole + 2;

    /// What is shown, in the order it is shown; numbers are exact.
    QString csv() const;
    /// Asks for a name and writes csv() there.
    void exportCsv();

protected:
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    QString name_;
};

} // namespace caldera::studio
