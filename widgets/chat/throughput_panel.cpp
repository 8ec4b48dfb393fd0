#include "widgets/chat/throughput_panel.h"

#include <cmath>

#include <QGridLayout>
#include <QProgressBar>
#include <QPushButton>
#include <QVBoxLayout>

#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/support/qcustomplot.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kInterval = 100;  // ms
constexpr double kWindow = 1.0; // seconds a live figure looks back
constexpr int kPlotHeight = 132;
constexpr double kContextWarn = 0.85;
constexpr double kContextBad = 0.97;
constexpr qsizetype kMostPoints = 6000;

const QString& dash() {
    static const QString text = u"–"_s;
    return text;
}

QString milliseconds(double seconds) {
    return seconds < 0 ? dash() : ThroughputPanel::tr("%1 ms").arg(figureText(seconds * 1e3));
}

} // namespace

ThroughputPanel::ThroughputPanel(QWidget* parent)
    : QWidget(parent), speed_(numberLabel(dash(), this)),
      speedCaption_(new ToneLabel(tr("tokens a second"), Token::Secondary, this)),
      plot_(new QCustomPlot(this)), contextText_(numberLabel(dash(), this)),
      context_(new QProgressBar(this)), measure_(new QPushButton(tr("Measure…"), this)) {
    measure_->setToolTip(tr("Time prompts of several lengths and several chats at once, and "
                            "compare with earlier measurements"));
    measure_->setEnabled(false);
    speed_->setFont(Theme::current().numberFont(12));
    buildPlot();
    context_->setTextVisible(false);
    context_->setFixedHeight(6);
    context_->setAccessibleName(tr("Context in use"));

    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(kSpaceSmall);
    grid->setVerticalSpacing(kSpaceTiny);
    grid->setColumnStretch(0, 1);
    first_ = addRow(grid, tr("First token"), tr("From sending to the first piece of the answer"));
    prompt_ = addRow(grid, tr("Prompt"), tr("Tokens of the prompt that were read a second"));
    p50_ = addRow(grid, tr("Between tokens, p50"), tr("Half of the tokens came faster"));
    p95_ = addRow(grid, tr("p95"), tr("One of twenty tokens took longer"));
    p99_ = addRow(grid, tr("p99"), tr("One of a hundred tokens took longer"));
    weights_ = addRow(grid, tr("Weights a token"), tr("Bytes of weights read for each token"));
    cache_ = addRow(grid, tr("Cache"), tr("Memory of the key and value cache"));
    roofline_ = addRow(grid, tr("Memory allows"),
                       tr("Tokens a second if nothing but reading the weights took time. Measured "
                          "once, while the engine rests."));
    reached_ =
        addRow(grid, tr("Of that reached"), tr("The answer's speed over what memory allows"));

    auto* contextLine = new QHBoxLayout;
    contextLine->addWidget(new ToneLabel(tr("Context"), Token::Secondary, this), 1);
    contextLine->addWidget(contextText_);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceLarge, kSpaceMedium, kSpaceLarge, kSpaceLarge);
    layout->setSpacing(0);
    layout->addWidget(sectionLabel(tr("Throughput"), this));
    layout->addSpacing(kSpaceSmall);
    layout->addWidget(speed_);
    layout->addWidget(speedCaption_);
    layout->addSpacing(kSpaceSmall);
    layout->addWidget(plot_);
    layout->addSpacing(kSpaceLarge);
    layout->addLayout(grid);
    layout->addSpacing(kSpaceLarge);
    layout->addWidget(new Separator(Qt::Horizontal, this));
    layout->addSpacing(kSpaceMedium);
    layout->addLayout(contextLine);
    layout->addSpacing(kSpaceSmall);
    layout->addWidget(context_);
    layout->addSpacing(kSpaceLarge);
    layout->addWidget(measure_);
    layout->addStretch(1);
    connect(measure_, &QPushButton::clicked, this, &ThroughputPanel::measureRequested);
    timer_.setInterval(kInterval);
    connect(&timer_, &QTimer::timeout, this, &ThroughputPanel::sample);
    connect(&Theme::current(), &Theme::themeChanged, this, &ThroughputPanel::recolorPlot);
    clear();
}

ToneLabel* ThroughputPanel::addRow(QGridLayout* grid, const QString& caption,
                                   const QString& toolTip) {
    const int row = grid->rowCount();
    auto* name = new ToneLabel(caption, Token::Secondary, this);
    name->setToolTip(toolTip);
    ToneLabel* value = numberLabel(dash(), this);
    value->setToolTip(toolTip);
    value->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    value->setAccessibleName(caption);
    grid->addWidget(name, row, 0, caption.startsWith(u'p') ? Qt::AlignRight : Qt::AlignLeft);
    grid->addWidget(value, row, 1);
    return value;
}

void ThroughputPanel::buildPlot() {
    plot_->setFixedHeight(kPlotHeight);
    plot_->setAccessibleName(tr("Tokens a second during the answer"));
    plot_->addGraph();
    rooflineMark_ = new QCPItemStraightLine(plot_);
    rooflineMark_->setVisible(false);
    plot_->axisRect()->setAutoMargins(QCP::msLeft | QCP::msBottom);
    plot_->axisRect()->setMinimumMargins(QMargins(0, kSpaceSmall, kSpaceTiny, 0));
    plot_->xAxis->ticker()->setTickCount(3); // room for 0.0025
    plot_->yAxis->ticker()->setTickCount(3);
    plot_->xAxis->setNumberFormat(u"gb"_s);
    plot_->yAxis->setNumberFormat(u"gb"_s);
    plot_->xAxis->setTickLengthIn(0);
    plot_->yAxis->setTickLengthIn(0);
    plot_->xAxis->setSubTicks(false);
    plot_->yAxis->setSubTicks(false);
    plot_->xAxis->grid()->setVisible(false);
    recolorPlot();
}

void ThroughputPanel::recolorPlot() {
    const Theme& theme = Theme::current();
    rooflineMark_->setPen(QPen(theme.color(Token::Warn), 1, Qt::DashLine));
    plot_->setBackground(Qt::transparent);
    plot_->setBackground(QBrush(theme.color(Token::Panel)));
    for (QCPAxis* axis : {plot_->xAxis, plot_->yAxis}) {
        axis->setBasePen(axis == plot_->xAxis ? QPen(theme.color(Token::Line)) : Qt::NoPen);
        axis->setTickPen(Qt::NoPen);
        axis->setTickLabelColor(theme.color(Token::Secondary));
        axis->setTickLabelFont(theme.numberFont(-1.5));
        axis->grid()->setPen(QPen(theme.color(Token::Line), 1));
        axis->grid()->setZeroLinePen(Qt::NoPen);
    }
    QColor fill = theme.color(Token::Accent);
    plot_->graph(0)->setPen(QPen(fill, 1.5));
    fill.setAlphaF(0.12F);
    plot_->graph(0)->setBrush(fill);
    plot_->replot(QCustomPlot::rpQueuedReplot);
}

void ThroughputPanel::clear() {
    running_ = false;
    timer_.stop();
    line_.clear();
    contextUsed_ = -1;
    showFigures({});
    redraw();
}

void ThroughputPanel::setContextLength(int tokens) {
    contextLength_ = tokens;
    showContext();
}

void ThroughputPanel::beginAnswer() {
    clear();
    running_ = true;
    arrivals_.clear();
    firstArrival_ = -1;
    tokens_ = 0;
    clock_.start();
    timer_.start();
    speedCaption_->setText(tr("reading the prompt"));
}

void ThroughputPanel::countToken() {
    const double now = static_cast<double>(clock_.nsecsElapsed()) / 1e9;
    if (tokens_++ == 0) {
        firstArrival_ = now;
        first_->setText(now < 1 ? milliseconds(now) : tr("%1 s").arg(figureText(now)));
        speedCaption_->setText(tr("tokens a second, now"));
    }
    arrivals_.append(now);
}

void ThroughputPanel::sample() {
    if (!running_ || tokens_ < 2)
        return;
    const double now = static_cast<double>(clock_.nsecsElapsed()) / 1e9;
    const double from = qMax(firstArrival_, now - kWindow);
    while (!arrivals_.isEmpty() && arrivals_.first() < from)
        arrivals_.removeFirst();
    const double span = now - from;
    if (span < kInterval / 1e3)
        return;
    const double rate = static_cast<double>(arrivals_.size()) / span;
    line_.append({now - firstArrival_, rate});
    if (line_.size() > kMostPoints)
        line_.removeFirst();
    speed_->setText(figureText(rate));
    redraw();
}

void ThroughputPanel::redraw() {
    QVector<double> seconds;
    QVector<double> rates;
    double highest = 0;
    for (const auto& [second, rate] : line_) {
        seconds.append(second);
        rates.append(rate);
        highest = qMax(highest, rate);
    }
    plot_->graph(0)->setData(seconds, rates, true);
    const double shortest = running_ || seconds.isEmpty() ? 1 : 0; // a growing line keeps its scale
    plot_->xAxis->setRange(seconds.isEmpty() ? 0 : seconds.first(),
                           seconds.isEmpty() ? shortest : qMax(shortest, seconds.last()));
    const bool hasRoofline = rooflineSpeed_ > 0 && !line_.isEmpty();
    if (hasRoofline)
        highest = qMax(highest, rooflineSpeed_);
    rooflineMark_->setVisible(hasRoofline);
    rooflineMark_->point1->setCoords(0, rooflineSpeed_);
    rooflineMark_->point2->setCoords(1, rooflineSpeed_);
    plot_->yAxis->setRange(0, highest > 0 ? highest * 1.15 : 1);
    for (QCPAxis* axis : {plot_->xAxis, plot_->yAxis})
        axis->setTickLabels(!line_.isEmpty());
    plot_->yAxis->grid()->setVisible(!line_.isEmpty());
    plot_->replot(QCustomPlot::rpQueuedReplot);
}

void ThroughputPanel::endAnswer(const ChatStatistics& statistics) {
    sample();
    running_ = false;
    timer_.stop();
    ChatStatistics known = statistics;
    const double elapsed = static_cast<double>(clock_.nsecsElapsed()) / 1e9 - firstArrival_;
    if (known.tokensPerSecond < 0 && tokens_ > 1)
        known.tokensPerSecond = (tokens_ - 1) / elapsed;
    if (known.timeToFirstToken < 0)
        known.timeToFirstToken = firstArrival_;
    showFigures(known);
    if (line_.size() < 2 && known.tokensPerSecond > 0)
        takeMean(known.tokensPerSecond);
    redraw();
}

void ThroughputPanel::takeMean(double tokensPerSecond) {
    const double seconds = qMax(1, tokens_ - 1) / tokensPerSecond;
    line_ = {{0, tokensPerSecond}, {seconds, tokensPerSecond}};
}

void ThroughputPanel::showStored(const ChatStatistics& statistics) {
    clear();
    showFigures(statistics);
}

void ThroughputPanel::showFigures(const ChatStatistics& statistics) {
    const bool known = statistics.tokensPerSecond > 0;
    speed_->setText(known ? figureText(statistics.tokensPerSecond) : dash());
    speed_->setTone(known ? Token::Text : Token::Disabled);
    speedCaption_->setText(known ? tr("tokens a second, last answer") : tr("tokens a second"));
    const double first = statistics.timeToFirstToken;
    first_->setText(first < 1 ? milliseconds(first) : tr("%1 s").arg(figureText(first)));
    prompt_->setText(statistics.promptTokensPerSecond > 0
                         ? tr("%1 tok/s").arg(figureText(statistics.promptTokensPerSecond))
                         : dash());
    p50_->setText(milliseconds(statistics.p50));
    p95_->setText(milliseconds(statistics.p95));
    p99_->setText(milliseconds(statistics.p99));
    weights_->setText(statistics.weightBytes > 0 ? sizeText(statistics.weightBytes) : dash());
    cache_->setText(statistics.cacheBytes > 0 ? sizeText(statistics.cacheBytes) : dash());
    shownSpeed_ = statistics.tokensPerSecond;
    showRoofline();
    if (statistics.promptTokens >= 0)
        contextUsed_ = statistics.promptTokens + qMax(0, statistics.generatedTokens);
    showContext();
}

void ThroughputPanel::setRoofline(double tokensPerSecond) {
    rooflineSpeed_ = tokensPerSecond;
    showRoofline();
    redraw();
}

void ThroughputPanel::setMeasurable(bool measurable) {
    measure_->setEnabled(measurable);
}

void ThroughputPanel::showRoofline() {
    roofline_->setText(rooflineSpeed_ > 0 ? tr("%1 tok/s").arg(figureText(rooflineSpeed_))
                                          : dash());
    reached_->setText(rooflineSpeed_ > 0 && shownSpeed_ > 0
                          ? tr("%1 %").arg(figureText(100 * shownSpeed_ / rooflineSpeed_, 2))
                          : dash());
}

void ThroughputPanel::showContext() {
    const bool known = contextLength_ > 0;
    const QString used = contextUsed_ >= 0 ? countText(contextUsed_) : dash();
    contextText_->setText(known ? tr("%1 of %2").arg(used, countText(contextLength_)) : used);
    context_->setVisible(known);
    context_->setRange(0, qMax(1, contextLength_));
    context_->setValue(qBound(0, contextUsed_, contextLength_));
    const double share = known ? static_cast<double>(contextUsed_) / contextLength_ : 0;
    contextText_->setTone(share > kContextBad    ? Token::Bad
                          : share > kContextWarn ? Token::Warn
                                                 : Token::Text);
    contextText_->setToolTip(share > kContextWarn
                                 ? tr("The conversation nearly fills the context. Begin a new one, "
                                      "or edit an earlier message.")
                                 : QString());
}

} // namespace caldera::studio
