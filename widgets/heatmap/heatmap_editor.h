// Editing the plan on its heatmap: commands with single keys, clipboard, strokes of the mouse.
#pragma once

#include <QAction>
#include <QList>
#include <QObject>
#include <QString>

#include <functional>
#include <optional>
#include <vector>

#include "core/model/module.h"
#include "widgets/heatmap/paint_state.h"
#include "widgets/models/cell_edit.h"
#include "widgets/support/failure.h"

class QActionGroup;

namespace caldera::studio {

class HeatmapStrokes;
class HeatmapView;
class PlanDocument;

/// Commands of one kind, for menus and for the list of keys.
struct CommandGroup {
    QString title;
    QList<QAction*> actions;
};

/// The keys edit the selected cells (without any, the one under the cursor); while a painting tool
/// is chosen they choose what it paints.
class HeatmapEditor : public QObject {
    Q_OBJECT
public:
    HeatmapEditor(HeatmapView& view, PlanDocument& plan, QObject* parent = nullptr);

    PaintState& paint() { return paint_; }
    HeatmapView& view() { return view_; }
    /// Every command, in the order in which people look for them.
    const QList<CommandGroup>& commands() const { return groups_; }
    /// Commands of a heatmap that nobody sees do nothing.
    void setEnabled(bool enabled);
    QAction* toolAction(PaintTool tool) const { return tools_.at(static_cast<qsizetype>(tool)); }
    QAction* mirrorAction() const { return mirror_; }
    QAction* paintAction() const { return paintSelected_; }

Q_SIGNALS:
    /// An edit met locked cells.
    void leftAlone(int cells);
    void planPasted(const caldera::Plan& plan);
    void failed(const caldera::studio::Failure& failure);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    struct Key {
        QKeySequence keys;
        QString text;
        QString icon;
    };
    QAction* add(const Key& key, std::function<void()> run);
    void beginGroup(const QString& title) { groups_.append({title, {}}); }
    void addTools();
    void addBits();
    void addMarks();
    void addClipboard();
    void showState();
    bool paints() const { return paint_.reach().tool != PaintTool::Select; }

    void setBits(double bits);
    void stepBits(int direction);
    void setRank(int rank);
    void stepRank(int direction);
    void nextCodec();
    void toggleLock();
    void toggleSkip();
    void copy();
    void paste();
    void edit(const QString& name, const CellEdits& edits, std::optional<int> stroke = {});
    /// The same edit on all targets.
    void editTargets(const QString& name, const CellEdit& edit);
    /// A stroke that goes on while the same command is repeated on the same cells.
    int repeated(const QString& name, const std::vector<Cell>& cells);
    std::vector<Cell> reached() const;
    bool allTargets(bool CellSettings::*mark) const;
    bool escape();

    HeatmapView& view_;
    PlanDocument& plan_;
    PaintState paint_;
    HeatmapStrokes* strokes_;
    QList<CommandGroup> groups_;
    QActionGroup* toolGroup_;
    QList<QAction*> tools_;
    QAction* mirror_ = nullptr;
    QAction* paintSelected_ = nullptr;
    struct Repeat {
        QString name;
        std::vector<Cell> cells;
        int stroke = 0;
        int step = 0; ///< of the undo history
    } repeat_;
};

} // namespace caldera::studio
