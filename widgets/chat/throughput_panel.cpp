#include "widgets/chat/throughput_panel.h"

#include <cmath>
#include <utility>

#include <QGridLayout>
#include <QProgressBar>
#include <QPushButton>
#include <QVBoxLayout>

#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/support/plot.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kInterval = 100;  // ms
constexpr double kWindow = 1.0; // seconds a live figure looks back
constexpr int kPlotHeight = 148;
constexpr double kAbove = 1.15; // room above the highest value
constexpr double kContextWarn = 0.85;
constexpr double kContextBad = 0.97;
constexpr qsizetype kMostPoints = 6000;

const QString& dash() {
    static const QString text = u"–"_s;
    return text;
}

// What is not known yet has its unit as well, so that an idle panel says what it will show.

QString figureOrDash(bool isKnown, double value, int figures = 3) {
    return isKnown ? figureText(value, figures) : dash();
}

QString milliseconds(double seconds) {
    return ThroughputPanel::tr("%1 ms").arg(figureOrDash(seconds >= 0, seconds * 1e3));
}

QString untilFirst(double seconds) {
    return seconds < 1 ? milliseconds(seconds)
                       : ThroughputPanel::tr("%1 s").arg(figureText(seconds));
}

QString tokensASecond(double rate) {
    return ThroughputPanel::tr("%1 tok/s").arg(figureOrDash(rate > 0, rate));
}

QString percent(bool isKnown, double share) {
    return ThroughputPanel::tr("%1 %").arg(figureOrDash(isKnown, 100 * share, 2));
}

QString sizeOrDash(qint64 bytes) {
    return bytes > 0 ? sizeText(bytes) : ThroughputPanel::tr("%1 MB").arg(dash());
}

QString memoryOrDash(qint64 bytes) {
    return bytes > 0 ? memoryText(bytes) : ThroughputPanel::tr("%1 MiB").arg(dash());
}

/// "19.9 of 79.2 GiB": the unit once, where it is the same.
QString shareText(qint64 used, qint64 total) {
    const QString whole = memoryText(total);
    const QString unit = whole.mid(whole.lastIndexOf(u' '));
    QString part = memoryText(used);
    if (part.endsWith(unit))
        part.chop(unit.size());
    return ThroughputPanel::tr("%1 of %2").arg(part, whole);
}

} // namespace

ThroughputPanel::ThroughputPanel(QWidget* parent)
    : QWidget(parent), speed_(numberLabel(dash(), this)),
      speedCaption_(new ToneLabel(tr("tokens a second"), Token::Secondary, this)),
      plot_(new Plot(tr("Tokens a second during the answer"), this)),
      contextText_(numberLabel(dash(), this)), context_(new QProgressBar(this)),
      measure_(new QPushButton(tr("Measure…"), this)) {
    measure_->setToolTip(tr("Time prompts of several lengths and several chats at once, and "
                            "compare with earlier measurements"));
    measure_->setEnabled(false);
    speed_->setFont(Theme::current().numberFont(12));
    context_->setTextVisible(false);
    context_->setFixedHeight(6);
    context_->setAccessibleName(tr("Context in use"));
    buildPlot();
    layOut(buildFigures());
    connect(measure_, &QPushButton::clicked, this, &ThroughputPanel::measureRequested);
    timer_.setInterval(kInterval);
    connect(&timer_, &QTimer::timeout, this, &ThroughputPanel::sample);
    connect(&Theme::current(), &Theme::themeChanged, this, &ThroughputPanel::fillPlot);
    setGpu(std::nullopt);
    clear();
}

QGridLayout* ThroughputPanel::buildFigures() {
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
    gpuBusy_ = addRow(grid, tr("GPU in use"), tr("Share of the last moments in which it computed"));
    for (const int column : {0, 1})
        gpuRows_.append(grid->itemAtPosition(grid->rowCount() - 1, column)->widget());
    gpuRows_.append(addMemoryRow(grid));
    return grid;
}

void ThroughputPanel::layOut(QGridLayout* figures) {
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
    layout->addLayout(figures);
    layout->addSpacing(kSpaceLarge);
    layout->addWidget(new Separator(Qt::Horizontal, this));
    layout->addSpacing(kSpaceMedium);
    layout->addLayout(contextLine);
    layout->addSpacing(kSpaceSmall);
    layout->addWidget(context_);
    layout->addSpacing(kSpaceLarge);
    layout->addWidget(measure_);
    layout->addStretch(1);
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

/// Two sizes are wider than the other figures, so the row has columns of its own.
QWidget* ThroughputPanel::addMemoryRow(QGridLayout* grid) {
    auto* row = new QWidget(this);
    auto* inner = new QGridLayout(row);
    inner->setContentsMargins(0, 0, 0, 0);
    inner->setHorizontalSpacing(kSpaceSmall);
    inner->setColumnStretch(0, 1);
    gpuMemory_ = addRow(inner, tr("GPU memory"), {});
    grid->addWidget(row, grid->rowCount(), 0, 1, 2);
    return row;
}

void ThroughputPanel::buildPlot() {
    plot_->setFixedHeight(kPlotHeight);
    const auto token = [](Token which) {
        return [which] { return Theme::current().color(which); };
    };
    Curve answer;
    answer.name = tr("this answer");
    answer.color = token(Token::Accent);
    Curve roofline;
    roofline.name = tr("what memory allows");
    roofline.color = token(Token::Warn);
    roofline.dashed = true;
    roofline.width = 1;
    plot_->setCurves({tr("seconds"), tr("tokens a second")}, {answer, roofline});
    fillPlot();
}

void ThroughputPanel::fillPlot() {
    QColor fill = Theme::current().color(Token::Accent);
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
    isTold_ = false;
    clock_.start();
    timer_.start();
    speedCaption_->setText(tr("reading the prompt"));
}

void ThroughputPanel::countToken() {
    if (!isTold_)
        note(tokens_ + 1);
}

void ThroughputPanel::setTokens(int tokens) {
    if (!running_ || tokens_ == 0)
        return; // the first piece of text begins the line
    isTold_ = true;
    note(tokens);
}

void ThroughputPanel::note(int tokens) {
    const double now = static_cast<double>(clock_.nsecsElapsed()) / 1e9;
    if (tokens_ == 0) {
        firstArrival_ = now;
        first_->setText(untilFirst(now));
        speedCaption_->setText(tr("tokens a second, now"));
    }
    tokens_ = tokens;
    arrivals_.append({now, tokens});
}

void ThroughputPanel::sample() {
    if (!running_ || arrivals_.size() < 2)
        return;
    const double now = static_cast<double>(clock_.nsecsElapsed()) / 1e9;
    while (arrivals_.size() > 2 && arrivals_[1].first < now - kWindow)
        arrivals_.removeFirst();
    const auto [from, before] = arrivals_.first();
    const double span = now - from;
    if (span < kInterval / 1e3)
        return;
    const double rate = (tokens_ - before) / span;
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
    const double shortest = running_ || seconds.isEmpty() ? 1 : 0; // a growing line keeps its scale
    const double first = seconds.isEmpty() ? 0 : seconds.first();
    const double last = seconds.isEmpty() ? shortest : qMax(shortest, seconds.last());
    const bool hasRoofline = rooflineSpeed_ > 0 && !line_.isEmpty();
    if (hasRoofline)
        highest = qMax(highest, rooflineSpeed_);
    plot_->setCurveData(0, seconds, rates);
    plot_->setCurveData(1, hasRoofline ? QVector<double>{first, last} : QVector<double>(),
                        hasRoofline ? QVector<double>(2, rooflineSpeed_) : QVector<double>());
    plot_->xAxis->setRange(first, last);
    plot_->yAxis->setRange(0, highest > 0 ? highest * kAbove : 1);
    for (QCPAxis* axis : {plot_->xAxis, plot_->yAxis})
        axis->setTickLabels(!line_.isEmpty());
    plot_->yAxis->grid()->setVisible(!line_.isEmpty());
}

ChatStatistics ThroughputPanel::measured() const {
    ChatStatistics seen;
    if (tokens_ == 0)
        return seen;
    seen.generatedTokens = tokens_;
    seen.timeToFirstToken = firstArrival_;
    const double span = arrivals_.last().first - firstArrival_;
    if (tokens_ > 1 && span > 0)
        seen.tokensPerSecond = (tokens_ - 1) / span;
    return seen;
}

void ThroughputPanel::endAnswer(const ChatStatistics& statistics) {
    sample();
    running_ = false;
    timer_.stop();
    ChatStatistics known = statistics;
    if (known.tokensPerSecond < 0)
        known.tokensPerSecond = measured().tokensPerSecond;
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
    first_->setText(untilFirst(statistics.timeToFirstToken));
    prompt_->setText(tokensASecond(statistics.promptTokensPerSecond));
    p50_->setText(milliseconds(statistics.p50));
    p95_->setText(milliseconds(statistics.p95));
    p99_->setText(milliseconds(statistics.p99));
    weights_->setText(sizeOrDash(statistics.weightBytes));
    cache_->setText(memoryOrDash(statistics.cacheBytes));
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

void ThroughputPanel::setGpu(const std::optional<GpuFigures>& figures) {
    hasGpu_ = figures.has_value();
    for (QWidget* part : std::as_const(gpuRows_))
        part->setVisible(hasGpu_);
    if (!figures)
        return;
    gpuBusy_->setText(percent(figures->busy >= 0, figures->busy));
    gpuMemory_->setText(shareText(figures->usedBytes, figures->totalBytes));
    gpuMemory_->setToolTip(tr("%1 of it is this engine's: weights, workspace and the room for "
                              "conversations")
                               .arg(memoryText(figures->engineBytes)));
}

void ThroughputPanel::setMeasurable(bool measurable) {
    measure_->setEnabled(measurable);
}

void ThroughputPanel::showRoofline() {
    roofline_->setText(tokensASecond(rooflineSpeed_));
    const bool isKnown = rooflineSpeed_ > 0 && shownSpeed_ > 0;
    reached_->setText(percent(isKnown, isKnown ? shownSpeed_ / rooflineSpeed_ : 0));
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
