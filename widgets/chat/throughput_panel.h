// How fast the model answers: the live line, the latencies, the context meter.
#pragma once

#include <optional>

#include <QElapsedTimer>
#include <QList>
#include <QPair>
#include <QTimer>
#include <QWidget>

#include "widgets/chat/conversation.h"
#include "widgets/chat/gpu_figures.h"

class QGridLayout;
class QProgressBar;
class QPushButton;

namespace caldera::studio {

class Plot;
class ToneLabel;

/// Fed by the events of an answer; draws at most ten times a second.
class ThroughputPanel : public QWidget {
    Q_OBJECT
public:
    explicit ThroughputPanel(QWidget* parent = nullptr);

    void beginAnswer();
    /// One piece of text came; most servers send one for each token. Ours tell how many there are.
    void countToken();
    void setTokens(int tokens);
    /// What was seen of the answer so far: all there is of one that is stopped.
    ChatStatistics measured() const;
    void endAnswer(const ChatStatistics& statistics);
    /// The figures of a stored answer, without a line.
    void showStored(const ChatStatistics& statistics);
    void clear();
    /// Tokens that fit; 0: unknown.
    void setContextLength(int tokens);
    /// What memory allows one chat, tokens a second; 0: unknown.
    void setRoofline(double tokensPerSecond);
    /// What the engine's GPU does; nothing: it has none.
    void setGpu(const std::optional<GpuFigures>& figures);
    bool hasGpu() const { return hasGpu_; }
    /// Whether a sweep can be measured: an artifact is open.
    void setMeasurable(bool measurable);

    /// Points of the line so far, as (seconds, tokens a second). An answer that was over before two
    /// were taken ends with its mean.
    const QList<QPair<double, double>>& line() const { return line_; }
    /// Of the answer so far.
    int tokens() const { return tokens_; }
    Plot* plot() const { return plot_; }

Q_SIGNALS:
    /// A sweep over lengths of prompts and chats at once is wanted.
    void measureRequested();

private:
    ToneLabel* addRow(QGridLayout* grid, const QString& caption, const QString& toolTip);
    QWidget* addMemoryRow(QGridLayout* grid);
    void buildPlot();
    /// The table of figures below the plot.
    QGridLayout* buildFigures();
    void layOut(QGridLayout* figures);
    void fillPlot();
    void sample();
    void note(int tokens);
    /// A level line from the first token to the last.
    void takeMean(double tokensPerSecond);
    void redraw();
    void showFigures(const ChatStatistics& statistics);
    void showContext();
    void showRoofline();

    ToneLabel* speed_;
    ToneLabel* speedCaption_;
    Plot* plot_;
    ToneLabel* first_;
    ToneLabel* prompt_;
    ToneLabel* p50_;
    ToneLabel* p95_;
    ToneLabel* p99_;
    ToneLabel* weights_;
    ToneLabel* cache_;
    ToneLabel* roofline_;
    ToneLabel* reached_;
    ToneLabel* gpuBusy_;
    ToneLabel* gpuMemory_;
    QList<QWidget*> gpuRows_;
    bool hasGpu_ = false;
    double rooflineSpeed_ = 0;
    double shownSpeed_ = -1;
    ToneLabel* contextText_;
    QProgressBar* context_;
    QPushButton* measure_;
    QTimer timer_;
    QElapsedTimer clock_;
    /// (seconds since the answer began, tokens by then), the last window of them.
    QList<QPair<double, int>> arrivals_;
    QList<QPair<double, double>> line_;
    double firstArrival_ = -1;
    int tokens_ = 0;
    bool isTold_ = false; ///< the server counts
    int contextLength_ = 0;
    int contextUsed_ = -1;
    bool running_ = false;
};

} // namespace caldera::studio
