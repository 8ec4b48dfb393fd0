// How fast the model answers: the live line, the latencies, the context meter.
#pragma once

#include <QElapsedTimer>
#include <QList>
#include <QPair>
#include <QTimer>
#include <QWidget>

#include "widgets/chat/conversation.h"

class QCPItemStraightLine;
class QCustomPlot;
class QGridLayout;
class QProgressBar;
class QPushButton;

namespace caldera::studio {

class ToneLabel;

/// Fed by the events of an answer; draws at most ten times a second.
class ThroughputPanel : public QWidget {
    Q_OBJECT
public:
    explicit ThroughputPanel(QWidget* parent = nullptr);

    void beginAnswer();
    /// One piece of text came; most servers send one for each token.
    void countToken();
    void endAnswer(const ChatStatistics& statistics);
    /// The figures of a stored answer, without a line.
    void showStored(const ChatStatistics& statistics);
    void clear();
    /// Tokens that fit; 0: unknown.
    void setContextLength(int tokens);
    /// What memory allows one chat, tokens a second; 0: unknown.
    void setRoofline(double tokensPerSecond);
    /// Whether a sweep can be measured: an artifact is open.
    void setMeasurable(bool measurable);

    /// Points of the line so far, as (seconds, tokens a second). An answer that was over before two
    /// were taken ends with its mean.
    const QList<QPair<double, double>>& line() const { return line_; }

Q_SIGNALS:
    /// A sweep over lengths of prompts and chats at once is wanted.
    void measureRequested();

private:
    ToneLabel* addRow(QGridLayout* grid, const QString& caption, const QString& toolTip);
    void buildPlot();
    void recolorPlot();
    void sample();
    /// A level line from the first token to the last.
    void takeMean(double tokensPerSecond);
    void redraw();
    void showFigures(const ChatStatistics& statistics);
    void showContext();
    void showRoofline();

    ToneLabel* speed_;
    ToneLabel* speedCaption_;
    QCustomPlot* plot_;
    ToneLabel* first_;
    ToneLabel* prompt_;
    ToneLabel* p50_;
    ToneLabel* p95_;
    ToneLabel* p99_;
    ToneLabel* weights_;
    ToneLabel* cache_;
    ToneLabel* roofline_;
    ToneLabel* reached_;
    QCPItemStraightLine* rooflineMark_ = nullptr;
    double rooflineSpeed_ = 0;
    double shownSpeed_ = -1;
    ToneLabel* contextText_;
    QProgressBar* context_;
    QPushButton* measure_;
    QTimer timer_;
    QElapsedTimer clock_;
    QList<double> arrivals_; ///< seconds since the answer began, the last window of them
    QList<QPair<double, double>> line_;
    double firstArrival_ = -1;
    int tokens_ = 0;
    int contextLength_ = 0;
    int contextUsed_ = -1;
    bool running_ = false;
};

} // namespace caldera::studio
