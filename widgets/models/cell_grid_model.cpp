#include "widgets/models/cell_grid_model.h"

#include <QLocale>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/text.h"
#include "widgets/support/cell_text.h"
#include "widgets/support/csv_field.h"
#include "widgets/support/number_text.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kModuleRows = static_cast<int>(kModules.size());

QString bitsText(double bits) {
    return QLocale::c().toString(bits, 'g', 3);
}

/// Without bits a cell is L R alone; without a rank either, nothing is known of it.
bool hasSettings(const GridCell& cell) {
    return cell.bits > 0 || cell.rank > 0;
}

/// What the cell itself says, whatever the scale is.
QVariant settingOf(const GridCell& cell, int role) {
    switch (role) {
    case CellGridModel::BitsRole:
        return cell.bits;
    case CellGridModel::RankRole:
        return cell.rank;
    case CellGridModel::StateRole:
        return static_cast<int>(cell.skipped ? CellState::Skipped
                                : cell.value ? CellState::Measured
                                             : CellState::Unmeasured);
    case CellGridModel::LockedRole:
        return cell.locked;
    case CellGridModel::OtherCodecRole:
        return cell.otherCodec;
    case CellGridModel::OtherTextRole:
        return cell.other ? cell.other->text : QString();
    case CellGridModel::OtherDirectionRole:
        return cell.other ? cell.other->direction : 0;
    case CellGridModel::SurpriseRole:
        return cell.surprise ? cell.surprise->direction : 0;
    default:
        return {};
    }
}

} // namespace

QString settingsText(const GridCell& cell) {
    if (cell.skipped) {
        return u"16"_s;
    }
    return hasSettings(cell) ? bitsText(cell.bits) + u'/' + QString::number(cell.rank) : QString();
}

CellGridModel::CellGridModel(QObject* parent) : QAbstractTableModel(parent) {}

void CellGridModel::setCells(int layers, std::vector<GridCell> cells) {
    const bool sameShape = layers == layers_;
    if (!sameShape) {
        beginResetModel();
    }
    layers_ = layers;
    cells_ = std::move(cells);
    largestRank_ = 0;
    for (const GridCell& cell : cells_) {
        largestRank_ = std::max(largestRank_, cell.rank);
    }
    scale_ = measuredScale();
    if (!sameShape) {
        endResetModel();
    } else {
        tellAllChanged();
    }
}

void CellGridModel::tellAllChanged() {
    if (layers_ > 0) {
        Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, columnCount() - 1));
    }
}

void CellGridModel::setScale(ColorScale::Kind kind) {
    if (scaleKind_ != kind) {
        scaleKind_ = kind;
        scale_ = measuredScale();
        tellAllChanged();
    }
}

void CellGridModel::setMetric(const QString& metric, const QString& kind, const QString& unit,
                              std::vector<double> range) {
    metric_ = metric;
    kind_ = kind;
    unit_ = unit;
    range_ = std::move(range);
}

void CellGridModel::setWideCells(const QList<WideCell>& cells) {
    if (wide_.size() != cells.size()) {
        beginResetModel();
        wide_ = cells;
        endResetModel();
    } else if (wide_ != cells) {
        wide_ = cells;
        if (rowCount() > kModuleRows) {
            Q_EMIT dataChanged(index(kModuleRows, 0), index(kModuleRows, layers_ - 1));
        }
    }
}

void CellGridModel::setValue(Cell cell, double value, const std::optional<CellSurprise>& surprise) {
    if (cell.layer < 0 || cell.layer >= layers_) {
        return;
    }
    cells_[slot(cell)].value = value;
    cells_[slot(cell)].surprise = surprise;
    const ColorScale before = std::exchange(scale_, measuredScale());
    if (before == scale_) {
        Q_EMIT dataChanged(indexOf(cell), indexOf(cell));
    } else { // every colour moved
        tellAllChanged();
    }
}

const GridCell& CellGridModel::cellAt(Cell cell) const {
    return cells_.at(slot(cell));
}

bool CellGridModel::anyUnmeasured() const {
    return std::any_of(cells_.begin(), cells_.end(),
                       [](const GridCell& cell) { return !cell.value && !cell.skipped; });
}

bool CellGridModel::anySurprise() const {
    return std::any_of(cells_.begin(), cells_.end(),
                       [](const GridCell& cell) { return cell.surprise.has_value(); });
}

int CellGridModel::countOf(ValueStanding standing) const {
    return static_cast<int>(
        std::count_if(cells_.begin(), cells_.end(), [standing](const GridCell& cell) {
            return cell.value && !cell.skipped && cell.standing == standing;
        }));
}

QString CellGridModel::kindOfAll(ValueStanding standing) const {
    QString kind;
    for (const GridCell& cell : cells_) {
        if (cell.value && !cell.skipped && cell.standing == standing && kind != kindOf(cell)) {
            if (!kind.isEmpty()) {
                return {};
            }
            kind = kindOf(cell);
        }
    }
    return kind;
}

int CellGridModel::countOfReplanned() const {
    return static_cast<int>(std::count_if(cells_.begin(), cells_.end(), [](const GridCell& cell) {
        return !cell.planned.isEmpty();
    }));
}

std::vector<double> CellGridModel::histogram(int bins) const {
    std::vector<double> counts(static_cast<size_t>(bins), 0.0);
    for (const GridCell& cell : cells_) {
        if (const double at = position(cell); at >= 0) {
            ++counts[std::min(static_cast<size_t>(at * bins), counts.size() - 1)];
        }
    }
    const double fullest = *std::max_element(counts.begin(), counts.end());
    if (fullest > 0) {
        for (double& count : counts) {
            count /= fullest;
        }
    }
    return counts;
}

QByteArray CellGridModel::picture() const {
    QByteArray bytes;
    bytes.reserve(static_cast<qsizetype>(cells_.size()));
    for (const GridCell& cell : cells_) {
        const double at = position(cell);
        bytes.append(static_cast<char>(at < 0 ? 255 : static_cast<int>(std::lround(at * 254))));
    }
    return bytes;
}

QString CellGridModel::csv() const {
    QString text = u"layer,module,bits,rank,locked,skipped,metric,value,unit,kind\n"_s;
    for (int layer = 0; layer < layers_; ++layer) {
        for (const Module module : kModules) {
            const GridCell& cell = cellAt({layer, module});
            const QString value =
                cell.value ? QString::fromStdString(numberText(*cell.value)) : QString();
            const QStringList fields{QString::number(layer),
                                     moduleText(module),
                                     bitsText(cell.bits),
                                     QString::number(cell.rank),
                                     QString::number(cell.locked ? 1 : 0),
                                     QString::number(cell.skipped ? 1 : 0),
                                     csvField(metric_),
                                     value,
                                     unit_,
                                     csvField(kindOf(cell))};
            text += fields.join(u',') + u'\n';
        }
    }
    return text;
}

QModelIndex CellGridModel::indexOf(Cell cell) const {
    return index(static_cast<int>(cell.module), cell.layer);
}

std::optional<Cell> CellGridModel::cellOf(const QModelIndex& index) {
    if (!index.isValid() || index.row() >= kModuleRows) {
        return std::nullopt;
    }
    return Cell{index.column(), kModules[static_cast<size_t>(index.row())]};
}

QModelIndex CellGridModel::wideIndexOf(int wide) const {
    const int count = static_cast<int>(wide_.size());
    return index(kModuleRows, (wide * layers_ + count - 1) / count);
}

int CellGridModel::wideCellOf(const QModelIndex& index) const {
    return index.row() < kModuleRows ? -1
                                     : index.column() * static_cast<int>(wide_.size()) / layers_;
}

int CellGridModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() || layers_ == 0 ? 0 : kModuleRows + (wide_.isEmpty() ? 0 : 1);
}

int CellGridModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : layers_;
}

QVariant CellGridModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) {
        return {};
    }
    if (const auto cell = cellOf(index)) {
        return cellData(*cell, role);
    }
    const WideCell& wide = wide_[wideCellOf(index)];
    return role == Qt::DisplayRole                                     ? wide.text
           : role == Qt::ToolTipRole || role == Qt::AccessibleTextRole ? wide.toolTip
                                                                       : QVariant();
}

QVariant CellGridModel::cellData(Cell cell, int role) const {
    const GridCell& shown = cellAt(cell);
    switch (role) {
    case Qt::DisplayRole:
        return scale_.isDiverging() && shown.value && !shown.skipped ? figureText(*shown.value, 2)
                                                                     : settingsText(shown);
    case Qt::ToolTipRole:
    case Qt::AccessibleTextRole:
        return describe(cell);
    case Qt::TextAlignmentRole:
        return QVariant::fromValue(Qt::Alignment(Qt::AlignCenter));
    case ValueRole:
        return shown.value ? QVariant(*shown.value) : QVariant();
    case PositionRole:
        return position(shown);
    case DivergingRole:
        return scale_.isDiverging();
    case RankShareRole:
        return largestRank_ > 0 ? static_cast<double>(shown.rank) / largestRank_ : 0.0;
    default:
        return settingOf(shown, role);
    }
}

/// Tables can be reached and activated, but not painted like cells.
Qt::ItemFlags CellGridModel::flags(const QModelIndex& index) const {
    const Qt::ItemFlags flags = QAbstractTableModel::flags(index);
    return wideCellOf(index) < 0 ? flags : flags & ~Qt::ItemIsSelectable;
}

QVariant CellGridModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (role != Qt::DisplayRole || section < 0) {
        return {};
    }
    if (orientation == Qt::Horizontal) {
        return section < layers_ ? QVariant(section) : QVariant();
    }
    return section < kModuleRows ? QVariant(moduleText(kModules[static_cast<size_t>(section)]))
                                 : QVariant();
}

size_t CellGridModel::slot(Cell cell) const {
    return static_cast<size_t>(cell.module) * static_cast<size_t>(layers_) +
           static_cast<size_t>(cell.layer);
}

double CellGridModel::position(const GridCell& cell) const {
    return !cell.value || cell.skipped || scale_.empty() ? -1 : scale_.position(*cell.value);
}

QString CellGridModel::describe(Cell cell) const {
    const GridCell& shown = cellAt(cell);
    const QString place =
        tr("Layer %1, %2").arg(QString::number(cell.layer), moduleText(cell.module));
    const QString settings = shown.skipped ? tr("stays at 16 bits")
                             : shown.bits > 0
                                 ? tr("%1 bits, rank %2").arg(bitsText(shown.bits)).arg(shown.rank)
                             : hasSettings(shown) ? tr("L R alone, rank %1").arg(shown.rank)
                                                  : QString();
    const QString value =
        shown.value ? tr("%1: %2 (%3)").arg(metric_, figureText(*shown.value, 4), kindOf(shown))
                    : tr("not measured");
    QStringList lines{place};
    if (!settings.isEmpty()) {
        const bool coded = !shown.skipped && !shown.codec.empty();
        lines += coded ? tr("%1, %2").arg(settings, QString::fromStdString(shown.codec)) : settings;
    }
    lines += value;
    if (shown.surprise) {
        lines += shown.surprise->text;
    }
    if (shown.locked) {
        lines += tr("locked");
    }
    if (!shown.planned.isEmpty()) {
        lines += tr("in the plan now: %1").arg(shown.planned);
    }
    if (shown.other) {
        lines += tr("in the other plan: %1").arg(shown.other->text);
    }
    return lines.join(u'\n');
}

QString CellGridModel::kindOf(const GridCell& cell) const {
    return !cell.value ? QString() : cell.kind.isEmpty() ? kind_ : cell.kind;
}

ColorScale CellGridModel::measuredScale() const {
    if (!range_.empty()) {
        return {scaleKind_, range_};
    }
    std::vector<double> values;
    values.reserve(cells_.size());
    for (const GridCell& cell : cells_) {
        if (cell.value && !cell.skipped) {
            values.push_back(*cell.value);
        }
    }
    return {scaleKind_, std::move(values)};
}

} // namespace caldera::studio
