#include "widgets/models/module_table_model.h"

#include <QLocale>

#include <algorithm>
#include <set>
#include <utility>

#include "widgets/support/number_text.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

QString shapeText(int64_t rows, int64_t columns) {
    return countText(rows) + u' ' + QChar(kTimes) + u' ' + countText(columns);
}

void addMetric(ModuleRow& row, const std::map<Cell, double>& values, Module module) {
    double sum = 0;
    int count = 0;
    for (const auto& [cell, value] : values) {
        if (cell.module != module) {
            continue;
        }
        sum += value;
        ++count;
        if (!row.worstValue || value > *row.worstValue) {
            row.worstValue = value;
            row.worstLayer = cell.layer;
        }
    }
    if (count > 0) {
        row.meanValue = sum / count;
    }
}

/// "2" or "2–3".
template <typename Value, typename Text>
QString spanOf(const std::set<Value>& values, const Text& text) {
    const QString low = text(*values.begin());
    const QString high = text(*values.rbegin());
    return low == high ? low : low + u'\u2013' + high;
}

ModuleRow rowOfModule(const PlanCells& cells, Module module) {
    const ModelConfig& config = cells.config();
    const std::string_view name = moduleName(module);
    const MatrixShape shape = config.shapeOf(module);
    ModuleRow row;
    row.module = module;
    row.name = QString::fromLatin1(name.data(), static_cast<qsizetype>(name.size()));
    row.shape = shapeText(shape.rows, shape.columns);
    std::set<int> ranks;
    std::set<double> bits;
    for (int layer = 0; layer < config.layerCount; ++layer) {
        const CellSettings& settings = cells.settingsOf({layer, module});
        row.bytes += cells.bytesOf({layer, module});
        if (!settings.skip) {
            ranks.insert(settings.rank);
            bits.insert(settings.bits);
        }
    }
    row.bitsPerWeight = static_cast<double>(row.bytes) * 8 /
                        (static_cast<double>(shape.size()) * config.layerCount);
    if (!ranks.empty()) {
        row.settings =
            spanOf(bits, [](double value) { return QLocale::c().toString(value, 'g', 3); }) + u'/' +
            spanOf(ranks, [](int value) { return QString::number(value); });
    } else {
        row.settings = u"16"_s;
    }
    return row;
}

} // namespace

std::vector<ModuleRow> moduleRows(const Plan& plan, const PlanCells& cells,
                                  const std::map<Cell, double>& values) {
    std::vector<ModuleRow> rows;
    const ModelConfig& config = cells.config();
    const PlanSize& size = cells.size();
    int64_t inCells = 0;
    for (const Module module : kModules) {
        rows.push_back(rowOfModule(cells, module));
        inCells += rows.back().bytes;
        addMetric(rows.back(), values, module);
    }
    ModuleRow embeddings;
    embeddings.name = config.tiedEmbeddings ? ModuleTableModel::tr("embeddings (also the head)")
                                            : ModuleTableModel::tr("embeddings, head");
    embeddings.shape = shapeText(config.vocabSize, config.hiddenSize);
    embeddings.settings = QString::number(plan.embeddingBits);
    embeddings.bytes = size.embeddingBytes;
    if (!config.tiedEmbeddings && plan.headBits != plan.embeddingBits) {
        embeddings.settings += u", "_s + QString::number(plan.headBits);
    }
    rows.push_back(embeddings);
    ModuleRow rest;
    rest.name = ModuleTableModel::tr("norms, biases, input signs");
    rest.bytes = size.total() - size.embeddingBytes - inCells;
    rows.push_back(rest);
    for (ModuleRow& row : rows) {
        row.share = static_cast<double>(row.bytes) / static_cast<double>(size.total());
    }
    return rows;
}

ModuleTableModel::ModuleTableModel(QObject* parent) : QAbstractTableModel(parent) {}

void ModuleTableModel::setRows(std::vector<ModuleRow> rows) {
    if (rows.size() == rows_.size()) {
        rows_ = std::move(rows);
        if (!rows_.empty()) {
            Q_EMIT dataChanged(index(0, 0), index(rowCount() - 1, kColumnCount - 1));
        }
        return;
    }
    beginResetModel();
    rows_ = std::move(rows);
    endResetModel();
}

void ModuleTableModel::setMetric(const QString& title, const QString& unit) {
    const QString metric = unit.isEmpty() ? title : tr("%1, %2").arg(title, unit);
    if (metric_ != metric) {
        metric_ = metric;
        Q_EMIT headerDataChanged(Qt::Horizontal, Mean, Worst);
    }
}

int ModuleTableModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}

int ModuleTableModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : kColumnCount;
}

QString ModuleTableModel::textOf(const ModuleRow& row, int column) const {
    switch (column) {
    case Name:
        return row.name;
    case Shape:
        return row.shape;
    case Settings:
        return row.settings;
    case Bpw:
        return row.bitsPerWeight ? QLocale::c().toString(*row.bitsPerWeight, 'f', 2) : QString();
    case Bytes:
        return sizeText(row.bytes);
    case Share:
        return QLocale::c().toString(row.share * 100, 'f', 1);
    case Mean:
        return row.meanValue ? figureText(*row.meanValue) : QString();
    case Worst:
        return row.worstValue
                   ? tr("%1 in layer %2").arg(figureText(*row.worstValue)).arg(row.worstLayer)
                   : QString();
    default:
        return {};
    }
}

QVariant ModuleTableModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) {
        return {};
    }
    const ModuleRow& row = rows_[static_cast<size_t>(index.row())];
    switch (role) {
    case Qt::DisplayRole:
        return textOf(row, index.column());
    case Qt::ToolTipRole:
        return index.column() == Bytes ? tr("%1 bytes").arg(countText(row.bytes))
                                       : textOf(row, index.column());
    case Qt::TextAlignmentRole:
        return QVariant::fromValue(Qt::Alignment(
            Qt::AlignVCenter | (index.column() == Name ? Qt::AlignLeft : Qt::AlignRight)));
    case Qt::FontRole:
        return row.module || index.column() != Name ? Theme::current().numberFont()
                                                    : Theme::current().textFont();
    case kShareRole:
        return index.column() == Share ? QVariant(row.share) : QVariant();
    case kColorRole:
        return row.module ? Theme::current().category(*row.module)
                          : Theme::current().color(Token::Secondary);
    case kModuleRole:
        return row.module ? QVariant(static_cast<int>(*row.module)) : QVariant();
    default:
        return {};
    }
}

QVariant ModuleTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) {
        return {};
    }
    if (role == Qt::TextAlignmentRole) {
        return QVariant::fromValue(
            Qt::Alignment(Qt::AlignVCenter | (section == Name ? Qt::AlignLeft : Qt::AlignRight)));
    }
    if (role == Qt::ToolTipRole && section >= Mean) {
        return tr("As the heatmap shows it; higher is more fragile");
    }
    if (role != Qt::DisplayRole) {
        return {};
    }
    switch (section) {
    case Name:
        return tr("Module");
    case Shape:
        return tr("Shape");
    case Settings:
        return tr("Bits/rank");
    case Bpw:
        return tr("bpw");
    case Bytes:
        return tr("Size");
    case Share:
        return tr("Share, %");
    case Mean:
        return metric_.isEmpty() ? tr("Mean") : tr("%1 (mean)").arg(metric_);
    case Worst:
        return metric_.isEmpty() ? tr("Most fragile") : tr("%1 (largest)").arg(metric_);
    default:
        return {};
    }
}

} // namespace caldera::studio
