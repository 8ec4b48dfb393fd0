#include "widgets/pods/pod_offers_model.h"

#include <algorithm>

#include "widgets/remote/pod_quote.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

void PodOffersModel::setOffers(QList<PodOffer> offers) {
    std::stable_sort(offers.begin(), offers.end(),
                     [](const PodOffer& a, const PodOffer& b) { return a.price < b.price; });
    beginResetModel();
    offers_ = std::move(offers);
    endResetModel();
    Q_EMIT chosenChanged();
}

void PodOffersModel::setDataCenter(const QString& dataCenter) {
    dataCenter_ = dataCenter;
    if (!offers_.isEmpty())
        Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
    Q_EMIT chosenChanged();
}

QStringList PodOffersModel::chosen() const {
    QStringList ids;
    for (const PodOffer& offer : offers_) {
        if (chosen_.contains(offer.gpu))
            ids.append(offer.gpu);
    }
    for (const QString& id : chosen_) {
        if (!ids.contains(id))
            ids.append(id);
    }
    return ids;
}

void PodOffersModel::setChosen(const QStringList& gpus) {
    chosen_ = {gpus.begin(), gpus.end()};
    if (!offers_.isEmpty())
        Q_EMIT dataChanged(index(0, Gpu), index(rowCount() - 1, Gpu), {Qt::CheckStateRole});
    Q_EMIT chosenChanged();
}

double PodOffersModel::leastPrice() const {
    for (const PodOffer& offer : offers_) {
        if (chosen_.contains(offer.gpu))
            return offer.price;
    }
    return 0;
}

double PodOffersModel::mostPrice() const {
    double most = 0;
    for (const PodOffer& offer : offers_)
        most = chosen_.contains(offer.gpu) ? qMax(most, offer.price) : most;
    return most;
}

int PodOffersModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(offers_.size());
}

int PodOffersModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

QString PodOffersModel::text(const PodOffer& offer, int column) const {
    switch (column) {
    case Gpu:
        return offer.name;
    case Memory:
        return tr("%1 GB").arg(offer.memoryGb);
    case Price:
        return tr("%1 an hour").arg(dollarText(offer.price));
    default:
        break;
    }
    switch (stockIn(offer, dataCenter_)) {
    case PodStock::High:
        return tr("many free");
    case PodStock::Medium:
        return tr("some free");
    case PodStock::Low:
        return tr("few free");
    case PodStock::None:
        break;
    }
    return dataCenter_.isEmpty() ? tr("none free") : tr("none free in %1").arg(dataCenter_);
}

QVariant PodOffersModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid())
        return {};
    const PodOffer& offer = offers_[index.row()];
    const int column = index.column();
    switch (role) {
    case Qt::DisplayRole:
        return text(offer, column);
    case Qt::ToolTipRole:
        return offer.gpu;
    case Qt::CheckStateRole:
        if (column == Gpu)
            return chosen_.contains(offer.gpu) ? Qt::Checked : Qt::Unchecked;
        return {};
    case Qt::FontRole:
        return column == Memory || column == Price ? Theme::current().numberFont() : QVariant();
    case Qt::ForegroundRole:
        if (column == Stock && stockIn(offer, dataCenter_) == PodStock::Low)
            return Theme::current().color(Token::Warn);
        return {};
    case Qt::TextAlignmentRole:
        return column == Memory || column == Price ? QVariant(Qt::AlignRight | Qt::AlignVCenter)
                                                   : QVariant();
    default:
        return {};
    }
}

bool PodOffersModel::setData(const QModelIndex& index, const QVariant& value, int role) {
    if (!index.isValid() || index.column() != Gpu || role != Qt::CheckStateRole)
        return false;
    const QString& gpu = offers_[index.row()].gpu;
    if (value.toInt() == Qt::Checked)
        chosen_.insert(gpu);
    else
        chosen_.remove(gpu);
    Q_EMIT dataChanged(index, index, {Qt::CheckStateRole});
    Q_EMIT chosenChanged();
    return true;
}

Qt::ItemFlags PodOffersModel::flags(const QModelIndex& index) const {
    if (!index.isValid())
        return Qt::NoItemFlags;
    const PodOffer& offer = offers_[index.row()];
    // What is sold out can still be taken off the list.
    const bool usable =
        stockIn(offer, dataCenter_) != PodStock::None || chosen_.contains(offer.gpu);
    Qt::ItemFlags flags = Qt::ItemIsSelectable | Qt::ItemNeverHasChildren;
    flags.setFlag(Qt::ItemIsEnabled, usable);
    flags.setFlag(Qt::ItemIsUserCheckable, index.column() == Gpu);
    return flags;
}

QVariant PodOffersModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole && (section == Memory || section == Price))
        return QVariant(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::DisplayRole)
        return {};
    const QStringList titles{tr("GPU"), tr("Memory"), tr("Price"), tr("Stock")};
    return titles.value(section);
}

} // namespace caldera::studio
