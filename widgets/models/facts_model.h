// A table of facts: name and value, read-only.
#pragma once

#include <QAbstractTableModel>
#include <QList>
#include <QString>

namespace caldera::studio {

struct Fact {
    QString name;
    QString value;
    QString toolTip;
    bool operator==(const Fact&) const = default;
};

class FactsModel : public QAbstractTableModel {
    Q_OBJECT
public:
    explicit FactsModel(QObject* parent = nullptr);
    void setFacts(const QList<Fact>& facts);
    const QList<Fact>& facts() const { return facts_; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QVariant headerData(int section, Qt::Orientation orientation,
                        int role = Qt::DisplayRole) const override;

private:
    QList<Fact> facts_;
};

} // namespace caldera::studio
