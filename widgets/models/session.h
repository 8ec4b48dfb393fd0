// What the studio has open. Views read values from here and are told when they change.
#pragma once

#include <QList>
#include <QObject>
#include <QString>
#include <QThreadPool>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/preflight/processor_speed.h"
#include "core/report/option_error.h"
#include "widgets/models/open_facts.h"
#include "widgets/models/plan_document.h"
#include "widgets/support/failure.h"

namespace caldera::studio {

/// The errors that were measured of a cell.
struct MeasuredErrors {
    ErrorTable table;
    std::string codec; ///< family that they were measured with; empty: not known
};

/// Reads files on one thread of its own, which is also the only one that touches HDF5.
class Session : public QObject {
    Q_OBJECT
public:
    explicit Session(QObject* parent = nullptr);
    ~Session() override;

    /// Starts opening; ends with opened(), reportChanged() or failed(). A later call wins; a report
    /// asked for after it is read after it.
    void open(const QString& path);
    /// Opens the model that comes with the program.
    void openDemoModel();
    /// Reads a report (compression, fidelity or evaluation) about what is open, or by itself.
    void openReport(const QString& path);
    /// Shows what was read elsewhere.
    void show(const OpenResult& result);
    bool busy() const { return busy_; }
    /// Path of the last open() call.
    const QString& openingPath() const { return openingPath_; }

    const std::shared_ptr<const OpenFacts>& facts() const { return facts_; }
    /// Compression report of what is open; null when there is none.
    const std::shared_ptr<const Report>& report() const { return report_; }
    /// Measured before compressing; null when there is none.
    const std::shared_ptr<const Report>& fidelity() const { return fidelity_; }
    /// Which cells moved a token; null when nobody asked.
    const std::shared_ptr<const Report>& blame() const { return blame_; }
    const std::vector<EvaluationRecord>& evaluations() const { return evaluations_; }
    PlanDocument& plan() { return plan_; }
    const PlanDocument& plan() const { return plan_; }

    /// What this machine's processor is known to take for work on what is open.
    const ProcessorSpeed& speed() const { return speed_; }
    /// Looks at what runs here took, as after each of them; ends with speedChanged().
    void readSpeed();

    /// All ways to colour cells, the most telling first: a running job, fidelity, measured error.
    const QList<MetricLayer>& metrics() const { return metrics_; }
    /// nullptr when there is no such metric.
    const MetricLayer* metric(const QString& id) const;
    /// What a report says of it besides its values; nullptr when none does.
    const FidelityMetric* measuredMetric(const QString& id) const;
    /// What the cell's error is at any settings; nullptr when no settings of it were measured.
    const MeasuredErrors* measuredErrors(Cell cell) const;
    /// What was measured for a cell; nullptr when nothing was.
    const CellReport* cellReport(Cell cell) const;
    /// The same, but only from the fidelity report.
    const CellReport* fidelityCell(Cell cell) const;

    /// What people call a metric of a report.
    static QString titleOf(const QString& metric);
    /// The scale on which values of a metric of a report are told apart.
    static ColorScale::Kind scaleOf(const QString& metric);
    /// Of its values; empty: plain numbers.
    static QString unitOf(const QString& metric);

    /// Values that a job at work on the open model finds, of a metric of reports.
    void beginLive(const QString& title, const QString& metric);
    void takeLiveCell(Cell cell, double relativeError,
                      const std::optional<CellSurprise>& surprise = {});
    void endLive();

    /// Another run beside what is open, as the last of the metrics, until something else is opened;
    /// nullopt: none.
    void compare(std::optional<MetricLayer> layer);

    /// Runs `work` on the reading thread, then `done` on this one.
    template <typename Work, typename Done>
    void inBackground(Work work, Done done);

Q_SIGNALS:
    void busyChanged(bool busy);
    /// Another model or artifact is open.
    void opened();
    void reportChanged();
    void metricsChanged();
    void speedChanged();
    void liveCell(const caldera::Cell& cell, double relativeError);
    void failed(const caldera::studio::Failure& failure, const QString& path);
    /// Reports that belong to what is open were left out, all that one reading found.
    void reportsUnread(const std::vector<caldera::studio::Failure>& failures);

private:
    struct Outcome;
    void read(const QString& path, std::function<OpenResult()> work);
    void addReport(const OpenResult& result, std::vector<Failure>& unread);
    void takeResults(const OpenResult& result);
    void takeFidelity(std::shared_ptr<const Report> fidelity);
    void rebuildMetrics();
    void setBusy(bool busy);

    QThreadPool pool_;
    PlanDocument plan_;
    std::shared_ptr<const OpenFacts> facts_;
    std::shared_ptr<const Report> report_;
    std::shared_ptr<const Report> fidelity_;
    std::map<Cell, MeasuredErrors> errors_; ///< of fidelity_
    std::shared_ptr<const Report> blame_;
    std::vector<EvaluationRecord> evaluations_;
    std::optional<MetricLayer> live_;
    std::optional<MetricLayer> compared_;
    QList<MetricLayer> metrics_;
    ProcessorSpeed speed_;
    QString openingPath_;
    int generation_ = 0; ///< counts what was opened; a report belongs to what is open
    int pending_ = 0;    ///< reads that have not come back
    bool busy_ = false;
};

} // namespace caldera::studio

#include "widgets/models/session_background.h"
