// The studio's window: five modes, the cell panel, the status line, menus, the command palette.
#pragma once

#include <QList>
#include <QMainWindow>
#include <QString>
#include <QUrl>

#include <array>
#include <optional>

#include "app/studio/pod_market.h"
#include "core/model/module.h"
#include "widgets/models/recent_items.h"
#include "widgets/models/session.h"
#include "widgets/remote/target.h"

class QDockWidget;
class QMenu;

namespace caldera::studio {

class CellPanel;
class ChatView;
class CommandPalette;
class ErrorBanner;
class HeatmapPanel;
class InspectView;
class JobActions;
class JobCheck;
class JobLine;
class JobService;
class LaunchDialog;
class ModelView;
class PageStack;
class PlanActions;
class PlanView;
class PodActions;
class PreflightLine;
class RunsView;
class TargetStore;
struct BeginSuggestion;
struct LaunchSettings;
struct MeasureSettings;

enum class Mode { Model, Plan, Runs, Inspect, Chat };
inline constexpr int kModeCount = 5;
inline constexpr int kWindowLayoutVersion = 1; ///< of what QMainWindow::saveState() keeps
inline constexpr int kCellDockWidth = 344;
/// The setting that the first hint was closed.
inline constexpr QLatin1StringView kHintKey("hints/firstSteps");
/// Settings key: where the window was last.
inline constexpr QLatin1StringView kModeKey("window/mode");

/// Where the window keeps and finds things; the studio gives the state folder's.
struct WindowPlaces {
    QString jobs;    ///< job folders
    QString chats;   ///< conversations
    QString worker;  ///< path of `caldera`; empty: looked for
    QString unsaved; ///< unsaved changes of plans
    QString targets; ///< machines on which jobs can run
    QString pods;    ///< records of rented pods
    PodMarket market = {};
};

class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    explicit MainWindow(const WindowPlaces& places, QWidget* parent = nullptr);
    ~MainWindow() override;

    /// Opens a model, an artifact or a report, and shows it in the mode that fits.
    void openPath(const QString& path);
    /// What a start without a path opens: the last model, or at first the demo model.
    void openAtStart();
    void openReport(const QString& path);
    void setMode(Mode mode);
    Mode mode() const;
    /// Pins the most fragile cell of the heatmap that is shown, if none is pinned.
    void pinMostFragile();

    Session& session() { return session_; }
    JobService& jobs() { return *jobs_; }
    TargetStore& targets() { return *targets_; }
    PlanActions& planActions() { return *planActions_; }
    PodActions& podActions() { return *podActions_; }
    ModelView* modelView() const { return model_; }
    PlanView* planView() const { return plan_; }
    RunsView* runsView() const { return runs_; }
    InspectView* inspectView() const { return inspect_; }
    ChatView* chatView() const { return chat_; }
    CellPanel* cellPanel() const { return cell_; }
    CommandPalette* commandPalette() const { return palette_; }

protected:
    void closeEvent(QCloseEvent* event) override;

private:
    void makeViews(const WindowPlaces& places);
    void makeCellDock();
    void makeModes();
    void makeMenus();
    void makeFileMenu();
    void makeEditMenu();
    void makeViewMenu();
    void makeRunMenu();
    void makeHelpMenu();
    void connectViews();
    void connectCells();
    void connectSession();
    void connectJobs();
    void connectActions();
    void connectNotices();
    void noticeWork(const QString& id, const QString& sentence);
    void showEnd(const QString& id);
    void connectPlan();
    QAction* addCommand(QMenu* menu, const QString& iconName, const QString& text,
                        const QKeySequence& shortcut, std::function<void()> run);
    void chooseFolder();
    void chooseFile();
    void chooseReport();
    void openDemo();
    void showOpened();
    void showTitle();
    void showFailure(const Failure& failure, const QString& path);
    void showLaunch(const LaunchSettings& suggested);
    /// Opens a model that lies on another machine.
    void showOpenElsewhere();
    void showBegin(const BeginSuggestion& suggestion);
    JobCheck* checkFor(PreflightLine& line, QObject* owner);
    void keepLaunch(const LaunchDialog& dialog);
    void showMachines();
    /// Asks which machine, too, where there is another one than this.
    void showMeasure();
    QStringList measuredMetrics() const;
    void showCell();
    /// Whether the shown mode has cells to tell about.
    bool hasCells() const;
    void updateCellDock();
    void remember();
    void fillRecentMenu();
    void updateActions();
    void updateRevise();
    void showRun(const QString& id);
    void evaluateThere(const QString& id);
    std::optional<Target> targetOf(const QString& job);
    void restoreLayout();
    HeatmapPanel* shownHeatmap() const;
    ErrorBanner* shownBanner();

    Session session_;
    RecentItems recent_;
    QString worker_;     ///< path of `caldera`; empty: looked for
    QString noticedRun_; ///< that the notice above the plan tells of
    QString workNotice_; ///< what it says
    JobService* jobs_;
    TargetStore* targets_;
    PodActions* podActions_;
    JobActions* actions_;
    PlanActions* planActions_ = nullptr;
    ModelView* model_ = nullptr;
    PlanView* plan_ = nullptr;
    RunsView* runs_ = nullptr;
    InspectView* inspect_ = nullptr;
    ChatView* chat_ = nullptr;
    CellPanel* cell_ = nullptr;
    QDockWidget* cellDock_ = nullptr;
    PageStack* pages_ = nullptr;
    JobLine* line_ = nullptr;
    CommandPalette* palette_ = nullptr;
    QMenu* recentMenu_ = nullptr;
    std::array<QAction*, kModeCount> modes_{};
    QList<QAction*> commands_;
    QList<QAction*> needModel_;
    QAction* evaluate_ = nullptr;
    QAction* revise_ = nullptr;
    QAction* cellToggle_ = nullptr;
    QByteArray firstLayout_;
    int dragStroke_ = 0; ///< of the rank line
    bool wantsCellDock_ = true;
    std::optional<Mode> modeAfterOpening_;
    bool fitMode_ = false; ///< what is being opened chooses the mode
};

} // namespace caldera::studio
