#include <QAbstractItemModelTester>
#include <QSignalSpy>

#include <gtest/gtest.h>

#include "core/report/report_subject.h"
#include "tests/gui/studio/example_model.h"
#include "widgets/inspect_view/inspect_curves.h"
#include "widgets/inspect_view/report_tables.h"
#include "widgets/model_view/recent_list.h"
#include "widgets/models/cell_grid_model.h"
#include "widgets/models/difference_model.h"
#include "widgets/models/facts_model.h"
#include "widgets/models/module_table_model.h"
#include "widgets/models/plan_document.h"
#include "widgets/models/recent_items.h"
#include "widgets/models/stored_matrices.h"
#include "widgets/models/tensor_table_model.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
using Tester = QAbstractItemModelTester;

/// Fails the test on any breach of the model contract.
class CheckedModel {
public:
    explicit CheckedModel(QAbstractItemModel& model)
        : tester_(&model, Tester::FailureReportingMode::Fatal) {}

private:
    Tester tester_;
};

std::vector<GridCell> gridOf(int layers) {
    std::vector<GridCell> cells;
    for (const Module module : kModules) {
        for (int layer = 0; layer < layers; ++layer) {
            GridCell cell;
            cell.bits = 2;
            cell.rank = 64;
            cell.value = exampleError({layer, module});
            cells.push_back(cell);
        }
    }
    return cells;
}

TEST(CellGridModel, KeepsTheItemModelContract) {
    CellGridModel model;
    const CheckedModel checked(model);
    model.setCells(4, gridOf(4));
    model.setCells(9, gridOf(9));
    model.setValue({3, Module::DownProj}, 0.9);
    model.setWideCells({{u"embeddings"_s, {}}, {u"head"_s, u"8 bits"_s}});
    EXPECT_EQ(model.rowCount(), 8);
    model.setWideCells({{u"embeddings"_s, {}}, {u"head"_s, u"4 bits"_s}});
    model.setCells(3, gridOf(3));
    model.setWideCells({{u"embeddings and head"_s, {}}});
    model.setCells(0, {});
    EXPECT_EQ(model.rowCount(), 0);
    model.setWideCells({});
}

TEST(CellGridModel, TablesShareTheRowBelowTheModules) {
    CellGridModel model;
    model.setCells(5, gridOf(5));
    model.setWideCells({{u"embeddings"_s, u"told"_s}, {u"head"_s, {}}});
    EXPECT_EQ(model.wideIndexOf(0), model.index(7, 0));
    EXPECT_EQ(model.wideIndexOf(1), model.index(7, 3));
    for (int layer = 0; layer < 5; ++layer) {
        const QModelIndex at = model.index(7, layer);
        EXPECT_EQ(model.wideCellOf(at), layer < 3 ? 0 : 1);
        EXPECT_EQ(at.data().toString(), layer < 3 ? u"embeddings"_s : u"head"_s);
        EXPECT_FALSE(CellGridModel::cellOf(at).has_value());
        EXPECT_FALSE(at.flags().testFlag(Qt::ItemIsSelectable));
    }
    EXPECT_EQ(model.index(7, 0).data(Qt::AccessibleTextRole).toString(), u"told"_s);
    EXPECT_EQ(model.csv().count(u'\n'), 1 + 35);
}

TEST(CellGridModel, PlacesValuesBetweenTheSmallestAndTheLargest) {
    CellGridModel model;
    model.setCells(4, gridOf(4));
    const auto at = [&model](Cell cell) {
        return model.indexOf(cell).data(CellGridModel::PositionRole).toDouble();
    };
    EXPECT_DOUBLE_EQ(at({0, Module::QProj}), 0);
    EXPECT_DOUBLE_EQ(at({3, Module::DownProj}), 1);
    EXPECT_GT(at({2, Module::OProj}), at({1, Module::OProj}));
}

TEST(CellGridModel, NeverShowsAnUnmeasuredCellAsZero) {
    CellGridModel model;
    std::vector<GridCell> cells = gridOf(4);
    cells[5].value.reset();
    model.setCells(4, cells);
    const QModelIndex index = model.index(1, 1); // cells[1 * 4 + 1]
    EXPECT_FALSE(index.data(CellGridModel::ValueRole).isValid());
    EXPECT_EQ(index.data(CellGridModel::PositionRole).toDouble(), -1);
    EXPECT_EQ(index.data(CellGridModel::StateRole).toInt(),
              static_cast<int>(CellState::Unmeasured));
    EXPECT_GT(model.scale().smallest(), 0);
    EXPECT_TRUE(model.anyUnmeasured());
}

TEST(CellGridModel, ACellOfLowRankAloneShowsItsRank) {
    CellGridModel model;
    std::vector<GridCell> cells = gridOf(1);
    cells[0].bits = 0; // L R alone
    cells[1].bits = 0; // nothing known
    cells[1].rank = 0;
    model.setCells(1, cells);
    const auto shown = [&model](int row, int role) {
        return model.index(row, 0).data(role).toString();
    };
    EXPECT_EQ(shown(0, Qt::DisplayRole), u"0/64"_s);
    EXPECT_TRUE(shown(0, Qt::ToolTipRole).contains(u"L R alone, rank 64"_s));
    EXPECT_EQ(shown(1, Qt::DisplayRole), QString());
    EXPECT_FALSE(shown(1, Qt::ToolTipRole).contains(u"rank"_s));
    EXPECT_EQ(shown(2, Qt::DisplayRole), u"2/64"_s);
}

TEST(CellGridModel, ALiveValueInsideTheRangeRepaintsOnlyItsCell) {
    CellGridModel model;
    model.setCells(4, gridOf(4));
    QSignalSpy changed(&model, &CellGridModel::dataChanged);
    model.setValue({2, Module::KProj}, 0.06);
    ASSERT_EQ(changed.count(), 1);
    EXPECT_EQ(changed.first()[0].toModelIndex(), changed.first()[1].toModelIndex());
    EXPECT_EQ(changed.first()[0].toModelIndex(), model.indexOf({2, Module::KProj}));
}

TEST(CellGridModel, ExportsEveryCellWithExactValues) {
    CellGridModel model;
    std::vector<GridCell> cells = gridOf(2);
    cells[1].value.reset();
    cells[2].kind = u"measured at 3/16"_s;
    model.setCells(2, cells);
    model.setMetric(u"KL \"divergence\""_s, u"measured"_s, u"nats"_s);
    const QStringList lines = model.csv().split(u'\n', Qt::SkipEmptyParts);
    ASSERT_EQ(lines.size(), 1 + 14);
    EXPECT_EQ(lines[0], u"layer,module,bits,rank,locked,skipped,metric,value,unit,kind"_s);
    EXPECT_EQ(lines[1], u"0,q_proj,2,64,0,0,\"KL \"\"divergence\"\"\",0.05,nats,\"measured\""_s);
    EXPECT_TRUE(lines[2].endsWith(u",nats,\"measured at 3/16\""_s)) << lines[2].toStdString();
    EXPECT_TRUE(lines[8].endsWith(u"\",,nats,\"\""_s))
        << "not measured: " << lines[8].toStdString();
    for (const QString& line : lines) {
        EXPECT_EQ(line.count(u','), 9) << line.toStdString();
    }
}

TEST(CellGridModel, HistogramIsScaledToItsFullestBin) {
    CellGridModel model;
    std::vector<GridCell> cells = gridOf(1);
    for (size_t at = 0; at < cells.size(); ++at) {
        cells[at].value = at == 0 ? 0.0 : 1.0;
    }
    model.setCells(1, cells);
    const std::vector<double> bins = model.histogram(4);
    EXPECT_DOUBLE_EQ(bins[0], 1.0 / 6);
    EXPECT_DOUBLE_EQ(bins[3], 1);
    EXPECT_DOUBLE_EQ(bins[1], 0);
}

TEST(ModuleTableModel, KeepsTheItemModelContractAndAddsUpToTheWholePlan) {
    const ModelConfig config = exampleConfig();
    const Plan plan = defaultPlan("example", config);
    ModuleTableModel model;
    const CheckedModel checked(model);
    model.setRows(moduleRows(plan, PlanCells(plan, config), {{{2, Module::UpProj}, 0.5}}));
    model.setRows(moduleRows(plan, PlanCells(plan, config), {}));
    model.setMetric(u"KL divergence"_s, u"nats"_s);
    EXPECT_EQ(model.headerData(ModuleTableModel::Mean, Qt::Horizontal),
              u"KL divergence, nats (mean)"_s);
    int64_t bytes = 0;
    double share = 0;
    for (const ModuleRow& row : model.rows()) {
        EXPECT_GE(row.bytes, 0) << row.name.toStdString();
        bytes += row.bytes;
        share += row.share;
    }
    EXPECT_EQ(bytes, planSize(plan, config).total());
    EXPECT_NEAR(share, 1, 1e-9);
}

TEST(ModuleTableModel, NamesTheMostFragileLayer) {
    const ModelConfig config = exampleConfig();
    const Plan plan = defaultPlan("m", config);
    const std::vector<ModuleRow> rows = moduleRows(
        plan, PlanCells(plan, config), {{{1, Module::KProj}, 0.2}, {{3, Module::KProj}, 0.4}});
    const ModuleRow& keys = rows[static_cast<size_t>(Module::KProj)];
    EXPECT_EQ(keys.worstLayer, 3);
    EXPECT_NEAR(*keys.meanValue, 0.3, 1e-12);
    EXPECT_FALSE(rows[static_cast<size_t>(Module::QProj)].meanValue.has_value());
}

TEST(TensorTableModel, KeepsTheItemModelContract) {
    TensorTableModel model;
    const CheckedModel checked(model);
    model.setTensors({{"model.norm.weight", "BF16", {192}, 384},
                      {"lm_head.weight", "F32", {2048, 192}, 1572864}});
    EXPECT_EQ(model.index(1, TensorTableModel::Shape).data().toString(),
              u"2\u2009048 \u00d7 192"_s);
    EXPECT_EQ(model.index(1, TensorTableModel::Bytes).data().toString(), u"1.57 MB"_s);
}

TEST(FactsModel, KeepsTheItemModelContract) {
    FactsModel model;
    const CheckedModel checked(model);
    model.setFacts({{u"Layers"_s, u"8"_s, {}}});
    EXPECT_EQ(model.index(0, 1).data().toString(), u"8"_s);
}

TEST(DifferenceModel, KeepsTheItemModelContractWhileThePlanChanges) {
    PlanDocument plan;
    PlanComparison comparison(plan);
    DifferenceModel model(comparison);
    const CheckedModel checked(model);
    const Plan first = defaultPlan("model", exampleConfig());
    plan.reset(first, exampleConfig());
    plan.setCellRank({2, Module::OProj}, 32);
    comparison.begin(u"before"_s, first, {{Cell{2, Module::OProj}, u"because"_s}});
    EXPECT_EQ(model.rowCount(), 1);
    plan.setCommonRank(48);
    EXPECT_GT(model.rowCount(), 10);
    plan.undoStack().undo();
    plan.setCellRank({2, Module::OProj}, 48);
    ASSERT_EQ(model.rowCount(), 1);
    const auto text = [&model](int column) { return model.index(0, column).data().toString(); };
    EXPECT_EQ(text(DifferenceModel::Why), u"by hand"_s);
    plan.setCellRank({2, Module::OProj}, 32);
    EXPECT_EQ(text(DifferenceModel::Name), u"Layer 2 · o_proj"_s);
    const auto heading = [&model](int column) {
        return model.headerData(column, Qt::Horizontal).toString();
    };
    EXPECT_EQ(heading(DifferenceModel::There), u"before"_s);
    EXPECT_EQ(heading(DifferenceModel::Here), u"this plan"_s);
    EXPECT_TRUE(text(DifferenceModel::There).startsWith(u"2/"_s));
    EXPECT_EQ(text(DifferenceModel::Here), u"2/32"_s);
    EXPECT_EQ(text(DifferenceModel::Why), u"because"_s);
    plan.reset(first, exampleConfig(9));
    EXPECT_EQ(model.rowCount(), 0) << "another model has no differences";
}

TEST(ReportTables, TellTotalsOfTheRun) {
    const QList<Fact> facts = runFacts(exampleReport());
    ASSERT_GE(facts.size(), 5);
    EXPECT_EQ(facts[0].value, u"28"_s);
    EXPECT_TRUE(facts[2].value.contains(u"model.layers.3.mlp.down_proj"_s));
}

TEST(ReportTables, NameInWordsWhatTheProgramNotesOfARun) {
    Report report;
    report.run = RunFacts{"tiny", "feed", "caldera compress", "cpu", "f32"}.attributes();
    report.run[kArtifactFact] = "0011";
    for (const Fact& fact : runFacts(report)) {
        EXPECT_FALSE(report.run.contains(fact.name.toStdString())) << fact.name.toStdString();
    }
}

TEST(ReportTables, DrawOneCurveForEveryModule) {
    MetricLayer metric{u"error"_s, u"error"_s, u"measured"_s, {}};
    for (const auto& [cell, measured] : exampleReport(4).cells) {
        metric.values[cell] = measured.relativeError;
    }
    const QList<Curve> curves = depthCurves(metric);
    ASSERT_EQ(curves.size(), 7);
    EXPECT_EQ(curves[0].x, QVector<double>({0, 1, 2, 3}));
    EXPECT_DOUBLE_EQ(curves[6].y[3], exampleError({3, Module::DownProj}));
}

TEST(RecentItems, KeepTheNewestFirstAndSurviveARestart) {
    RecentItem first;
    first.path = u"/models/first"_s;
    first.name = u"first"_s;
    first.picture = QByteArray("\x01\xff", 2);
    RecentItem second = first;
    second.path = u"/models/second"_s;
    {
        RecentItems items;
        items.clear();
        RecentModel model(items);
        const CheckedModel checked(model);
        items.add(first);
        items.add(second);
        items.add(first);
        EXPECT_EQ(model.rowCount(), 2);
    }
    RecentItems again;
    ASSERT_EQ(again.items().size(), 2);
    EXPECT_EQ(again.items()[0], first);
    again.remove(first.path);
    EXPECT_EQ(again.items()[0].path, second.path);
    again.clear();
}

TEST(StoredMatrices, AddUpToTheSizeOfThePlan) {
    ModelConfig config = exampleConfig();
    config.tiedEmbeddings = false;
    Plan plan = defaultPlan("model", config);
    plan.headBits = 8;
    CellOverride kept;
    kept.skip = true;
    plan.layerOverrides.emplace_back(cellName({1, Module::DownProj}), kept);
    const PlanSize size = planSize(plan, config);
    uint64_t cells = 0;
    uint64_t tables = 0;
    for (const TensorInfo& matrix : storedMatrices(plan, config)) {
        (parseCellName(matrix.name) ? cells : tables) += matrix.bytes;
    }
    int64_t signs = 0;
    for (const InputGroup group : kInputGroups) {
        const int without = group == InputGroup::Down ? 1 : 0; // a kept cell needs no input signs
        signs += 2 * config.inputSize(group) * (config.layerCount - without);
    }
    EXPECT_EQ(static_cast<int64_t>(cells) + signs, size.cellBytes);
    EXPECT_EQ(static_cast<int64_t>(tables), size.embeddingBytes);
}

} // namespace
} // namespace caldera::studio
