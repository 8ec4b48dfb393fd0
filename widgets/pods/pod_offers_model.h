// The GPUs that can be rented, to be ticked; fed by values.
#pragma once

#include <QAbstractTableModel>
#include <QList>
#include <QSet>

#include "widgets/remote/pod.h"

namespace caldera::studio {

/// Cheapest first. With a data centre only its stock counts, and what it does not have cannot be
/// ticked.
class PodOffersModel : public QAbstractTableModel {
    Q_OBJECT
public:
    enum Column { Gpu, Memory, Price, Stock, ColumnCount };

    using QAbstractTableModel::QAbstractTableModel;

    void setOffers(QList<PodOffer> offers);
    void setDataCenter(const QString& dataCenter);
    /// Ids of the ticked kinds, cheapest first; also of kinds that are not offered at the moment.
    QStringList chosen() const;
    void setChosen(const QStringList& gpus);
    /// Price of the cheapest ticked kind, of the dearest; 0 with none.
    double leastPrice() const;
    double mostPrice() const;

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;
    Qt::ItemFlags flags(const QModelIndex& index) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

Q_SIGNALS:
    void chosenChanged();

private:
    QString text(const PodOffer& offer, int column) const;

    QList<PodOffer> offers_;
    QSet<QString> chosen_;
    QString dataCenter_;
};

} // namespace caldera::studio
