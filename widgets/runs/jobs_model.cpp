#include "widgets/runs/jobs_model.h"

#include <algorithm>

#include <QLocale>

#include "widgets/pods/pod_words.h"
#include "widgets/remote/pod_quote.h"
#include "widgets/runs/phase_look.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

bool isFigure(int column) {
    return column == JobsModel::Speed || column == JobsModel::Spent;
}

bool isNewer(const JobSummary& a, const JobSummary& b) {
    return a.created != b.created ? a.created > b.created : a.id < b.id;
}

} // namespace

void JobsModel::put(const JobRow& row) {
    const int known = rowOf(row.summary.id);
    // The worker's clock writes job.json after the row was first shown; a job keeps its place.
    if (known >= 0) {
        const QDateTime created = rows_[known].summary.created;
        rows_[known] = row;
        rows_[known].summary.created = created;
        Q_EMIT dataChanged(index(known, 0), index(known, ColumnCount - 1));
        return;
    }
    const auto place = std::find_if(rows_.cbegin(), rows_.cend(), [&row](const JobRow& other) {
        return isNewer(row.summary, other.summary);
    });
    const auto at = static_cast<int>(place - rows_.cbegin());
    beginInsertRows({}, at, at);
    rows_.insert(at, row);
    endInsertRows();
}

void JobsModel::remove(const QString& id) {
    const int row = rowOf(id);
    if (row < 0)
        return;
    beginRemoveRows({}, row, row);
    rows_.removeAt(row);
    endRemoveRows();
}

int JobsModel::rowOf(const QString& id) const {
    for (int row = 0; row < rows_.size(); ++row) {
        if (rows_[row].summary.id == id)
            return row;
    }
    return -1;
}

QString JobsModel::idAt(int row) const {
    return row >= 0 && row < rows_.size() ? rows_[row].summary.id : QString();
}

std::optional<double> JobsModel::spent() const {
    std::optional<double> sum;
    for (const JobRow& row : rows_) {
        if (row.cost)
            sum = sum.value_or(0) + row.cost->spent;
    }
    return sum;
}

bool JobsModel::hasOtherMachines() const {
    return std::any_of(rows_.cbegin(), rows_.cend(),
                       [](const JobRow& row) { return !row.summary.host.isEmpty(); });
}

void JobsModel::refreshMoments() {
    if (!rows_.isEmpty())
        Q_EMIT dataChanged(index(0, Created), index(rowCount() - 1, Created));
}

int JobsModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}

int JobsModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant JobsModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rows_.size())
        return {};
    const JobRow& row = rows_[index.row()];
    switch (role) {
    case Qt::DisplayRole:
        return text(row, index.column());
    case Qt::ToolTipRole:
        return plainToolTip(toolTip(row, index.column()));
    case Qt::TextAlignmentRole:
        return isFigure(index.column()) ? QVariant(Qt::AlignRight | Qt::AlignVCenter) : QVariant();
    case Qt::AccessibleTextRole:
        return tr("%1, %2").arg(headerData(index.column(), Qt::Horizontal, role).toString(),
                                text(row, index.column()));
    case IdRole:
        return row.summary.id;
    case PhaseRole:
        return row.summary.phase;
    case FractionRole:
        return row.summary.fraction;
    case ActiveRole:
        return row.summary.active();
    default:
        return {};
    }
}

QVariant JobsModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole)
        return isFigure(section) ? QVariant(Qt::AlignRight | Qt::AlignVCenter)
                                 : QVariant(Qt::AlignLeft | Qt::AlignVCenter);
    if (role == Qt::ToolTipRole && section == Speed)
        return tr("Finished cells a minute");
    if (role == Qt::ToolTipRole && section == Spent)
        return tr("What the job's rented pods have cost");
    if (role != Qt::DisplayRole && role != Qt::AccessibleTextRole)
        return {};
    switch (section) {
    case State:
        return tr("State");
    case Title:
        return tr("Job");
    case Machine:
        return tr("Runs on");
    case ProgressColumn:
        return tr("Progress");
    case Speed:
        return tr("Cells/min");
    case Spent:
        return tr("Spent");
    case Created:
        return tr("Created");
    default:
        return {};
    }
}

QString JobsModel::text(const JobRow& row, int column) const {
    switch (column) {
    case State:
        return phaseLook(row.summary.phase).word;
    case Title:
        return row.summary.title;
    case Machine:
        return row.summary.host.isEmpty() ? tr("this machine") : row.summary.host;
    case ProgressColumn:
        if (row.summary.active() || row.summary.phase == "done"_L1)
            return tr("%1 %").arg(static_cast<int>(row.summary.fraction * 100));
        return {};
    case Speed:
        return row.cellsPerMinute > 0 ? figureText(row.cellsPerMinute) : QString();
    case Spent:
        return row.cost ? dollarText(row.cost->spent) : QString();
    case Created:
        return momentText(row.summary.created, QDateTime::currentDateTimeUtc());
    default:
        return {};
    }
}

QString JobsModel::toolTip(const JobRow& row, int column) const {
    switch (column) {
    case State:
        return phaseSentence(row.summary);
    case Title:
        return row.summary.title;
    case Machine:
        return row.summary.host.isEmpty() ? QString()
                                          : row.summary.host + u'\n' + row.summary.hostFolder;
    case ProgressColumn: {
        QStringList parts;
        if (!row.summary.stage.isEmpty())
            parts.append(stageTitle(row.summary.stage));
        if (row.summary.active())
            parts.append(tr("%1 % of this stage").arg(row.summary.fraction * 100, 0, 'f', 1));
        if (row.summary.active() && row.summary.etaSeconds >= 0)
            parts.append(tr("%1 left").arg(spanText(row.summary.etaSeconds)));
        if (row.cells > 0)
            parts.append(tr("%n cell(s) finished", nullptr, static_cast<int>(row.cells)));
        return parts.join(u", "_s);
    }
    case Spent:
        return row.cost ? costLine(*row.cost) + u'\n' + costToolTip(*row.cost) : QString();
    case Created:
        return QLocale().toString(row.summary.created.toLocalTime(), QLocale::LongFormat);
    default:
        return {};
    }
}

} // namespace caldera::studio
