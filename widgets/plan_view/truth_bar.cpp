#include "widgets/plan_view/truth_bar.h"

#include <QHBoxLayout>
#include <QPainter>
#include <QResizeEvent>
#include <QTimer>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kHeight = 76;
constexpr int kWidthForButtons = 800;
constexpr double kLargerNumbers = 2.5; ///< points
constexpr int kChangeShown = 2000;     ///< milliseconds
} // namespace

TruthBar::TruthBar(QWidget* parent)
    : QWidget(parent), tilesLayout_(new QHBoxLayout),
      actions_(new QBoxLayout(QBoxLayout::LeftToRight)) {
    setObjectName(u"truthBar"_s);
    setFixedHeight(kHeight);
    tilesLayout_->setSpacing(kSpaceLarge);
    actions_->setSpacing(kSpaceSmall);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(kSpaceLarge, kSpaceSmall, kSpaceLarge, kSpaceSmall);
    layout->setSpacing(kSpaceLarge);
    layout->addLayout(tilesLayout_);
    layout->addStretch(1);
    layout->addLayout(actions_);
}

void TruthBar::addAction(QWidget* button) {
    actions_->addWidget(button);
}

void TruthBar::startAnew() {
    for (auto& [id, tile] : tiles_) {
        tile.known = false;
    }
}

TruthBar::Tile& TruthBar::tileOf(const QString& id, int place) {
    Tile& tile = tiles_[id];
    if (tile.box == nullptr) {
        tile.box = new QWidget(this);
        tile.value = numberLabel(QString(), tile.box);
        setNumberFont(tile);
        tile.caption = new ToneLabel(QString(), Token::Secondary, tile.box);
        tile.caption->setFont(Theme::current().textFont(-1));
        tile.kind = new ToneLabel(QString(), Token::Secondary, tile.box);
        tile.kind->setFont(Theme::current().textFont(-1.5));
        tile.timer = new QTimer(tile.box);
        tile.timer->setSingleShot(true);
        connect(tile.timer, &QTimer::timeout, tile.box, [this, &tile] {
            tile.caption->setText(inLines(tile.plainCaption));
            tile.caption->setTone(Token::Secondary);
        });
        auto* layout = new QVBoxLayout(tile.box);
        layout->setContentsMargins(0, 0, 0, 0);
        layout->setSpacing(1);
        layout->addWidget(tile.value);
        layout->addWidget(tile.caption);
        layout->addWidget(tile.kind);
        tilesLayout_->insertWidget(place, tile.box, 0, alignment());
    }
    return tile;
}

void TruthBar::setFigures(const QList<TruthFigure>& figures) {
    // One that is hidden and shown again would lay out the whole window each time.
    for (auto& [id, tile] : tiles_) {
        tile.box->setVisible(std::any_of(figures.begin(), figures.end(),
                                         [&id](const auto& figure) { return figure.id == id; }));
    }
    int place = 0;
    for (const TruthFigure& figure : figures) {
        Tile& tile = tileOf(figure.id, place++);
        tile.value->setText(figure.value);
        tile.plainCaption = figure.caption;
        tile.plainKind = figure.kind;
        tile.kind->setText(inLines(figure.kind));
        tile.box->setToolTip(figure.toolTip);
        showChange(tile, figure);
    }
}

void TruthBar::showChange(Tile& tile, const TruthFigure& figure) const {
    const double change = figure.amount - tile.amount;
    const bool compare = tile.known && change != 0 && tile.amount != 0;
    tile.amount = figure.amount;
    tile.known = true;
    if (!compare) {
        if (!tile.timer->isActive()) {
            tile.caption->setText(inLines(tile.plainCaption));
        }
        return;
    }
    const double percent = change / (figure.amount - change) * 100;
    tile.caption->setText((change > 0 ? u"+"_s : u"\u2212"_s) + figureText(std::abs(percent), 2) +
                          u'\u2009' + u'%');
    tile.caption->setTone((change > 0) != figure.moreIsBetter ? Token::Warn : Token::Good);
    tile.timer->start(kChangeShown);
}

void TruthBar::setNumberFont(Tile& tile) const {
    tile.value->setFont(Theme::current().numberFont(narrow_ ? 0 : kLargerNumbers));
}

/// Of tiles with as many lines, or with more and fewer.
Qt::Alignment TruthBar::alignment() const {
    return narrow_ ? Qt::AlignTop : Qt::AlignVCenter;
}

/// In a small window what follows a comma stands below it.
QString TruthBar::inLines(const QString& text) const {
    return narrow_ ? QString(text).replace(u", "_s, u",\n"_s) : text;
}

/// Six figures need the width that buttons side by side and larger numbers would take.
void TruthBar::setNarrow(bool narrow) {
    narrow_ = narrow;
    tilesLayout_->setSpacing(narrow ? kSpaceMedium : kSpaceLarge);
    actions_->setDirection(narrow ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
    actions_->setSpacing(narrow ? kSpaceTiny : kSpaceSmall);
    const int above = narrow ? kSpaceTiny : kSpaceSmall;
    layout()->setContentsMargins(kSpaceLarge, above, kSpaceLarge, above);
    for (auto& [id, tile] : tiles_) {
        setNumberFont(tile);
        tilesLayout_->setAlignment(tile.box, alignment());
        tile.kind->setText(inLines(tile.plainKind));
        if (!tile.timer->isActive()) {
            tile.caption->setText(inLines(tile.plainCaption));
        }
    }
}

void TruthBar::resizeEvent(QResizeEvent* event) {
    const bool narrow = event->size().width() < kWidthForButtons;
    if (narrow != narrow_) {
        setNarrow(narrow);
    }
    QWidget::resizeEvent(event);
}

void TruthBar::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const Theme& theme = Theme::current();
    painter.fillRect(rect(), theme.color(Token::Panel));
    painter.fillRect(QRect(0, 0, width(), 1), theme.color(Token::Line));
}

} // namespace caldera::studio
