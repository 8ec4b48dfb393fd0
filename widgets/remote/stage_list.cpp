#include "widgets/remote/stage_list.h"

#include <QGridLayout>
#include <QLabel>

#include "widgets/support/labels.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kIconSize = 16;

QString nameOf(CheckStage stage) {
    switch (stage) {
    case CheckStage::Reach:
        return StageList::tr("Reach");
    case CheckStage::HostKey:
        return StageList::tr("Host key");
    case CheckStage::LogIn:
        return StageList::tr("Log in");
    case CheckStage::Tools:
        return StageList::tr("Tools");
    case CheckStage::Folder:
        return StageList::tr("Folder and machine");
    case CheckStage::Gpu:
        return StageList::tr("Graphics cards");
    case CheckStage::Worker:
        return StageList::tr("Worker");
    case CheckStage::Scheduler:
        return StageList::tr("Scheduler");
    }
    return {};
}

struct Look {
    QString icon;
    Token tone;
    QString word;
};

Look lookOf(StageState state) {
    switch (state) {
    case StageState::Running:
        return {u"play"_s, Token::Accent, StageList::tr("running")};
    case StageState::Passed:
        return {u"check"_s, Token::Good, StageList::tr("passed")};
    case StageState::Noted:
        return {u"info"_s, Token::Secondary, StageList::tr("noted")};
    case StageState::Failed:
        return {u"error"_s, Token::Bad, StageList::tr("failed")};
    case StageState::Skipped:
        return {u"minus"_s, Token::Disabled, StageList::tr("skipped")};
    }
    return {};
}

QString timeText(const StageResult& result) {
    const bool isOver = result.state != StageState::Running && result.state != StageState::Skipped;
    return isOver ? StageList::tr("%1 ms").arg(result.milliseconds) : QString();
}

} // namespace

StageList::StageList(QWidget* parent) : QWidget(parent), grid_(new QGridLayout(this)) {
    grid_->setContentsMargins(0, 0, 0, 0);
    grid_->setHorizontalSpacing(kSpaceSmall);
    grid_->setVerticalSpacing(kSpaceSmall);
    grid_->setColumnStretch(2, 1);
    connect(&Theme::current(), &Theme::themeChanged, this, &StageList::redraw);
}

void StageList::begin(const QList<CheckStage>& stages) {
    clear();
    stages_ = stages;
    for (int row = 0; row < stages.size(); ++row) {
        Line line{new QLabel(this), new ToneLabel(nameOf(stages[row]), Token::Disabled, this),
                  new ToneLabel({}, Token::Secondary, this),
                  new ToneLabel({}, Token::Secondary, this)};
        line.picture->setFixedSize(kIconSize, kIconSize);
        line.text->setWordWrap(true);
        line.text->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred); // long words
        line.text->setTextFormat(Qt::PlainText);
        line.text->setTextInteractionFlags(Qt::TextSelectableByMouse);
        line.time->setFont(Theme::current().numberFont());
        grid_->addWidget(line.picture, row, 0, Qt::AlignTop);
        grid_->addWidget(line.name, row, 1, Qt::AlignTop);
        grid_->addWidget(line.text, row, 2);
        grid_->addWidget(line.time, row, 3, Qt::AlignTop | Qt::AlignRight);
        lines_[static_cast<int>(stages[row])] = line;
    }
}

void StageList::show(const StageResult& result) {
    results_[static_cast<int>(result.stage)] = result;
    draw(result);
}

void StageList::draw(const StageResult& result) {
    const auto found = lines_.constFind(static_cast<int>(result.stage));
    if (found == lines_.constEnd()) {
        return;
    }
    const Look look = lookOf(result.state);
    found->picture->setPixmap(
        iconPixmap(look.icon, Theme::current().color(look.tone), kIconSize, devicePixelRatioF()));
    found->picture->setAccessibleName(look.word);
    found->picture->setToolTip(look.word);
    found->name->setTone(result.state == StageState::Skipped ? Token::Disabled : Token::Text);
    found->text->setTone(result.state == StageState::Failed ? Token::Text : Token::Secondary);
    found->text->setText(result.text);
    found->time->setText(timeText(result));
}

void StageList::redraw() {
    for (const StageResult& result : std::as_const(results_)) {
        draw(result);
    }
}

void StageList::clear() {
    for (const Line& line : std::as_const(lines_)) {
        delete line.picture;
        delete line.name;
        delete line.time;
        delete line.text;
    }
    lines_.clear();
    results_.clear();
    stages_.clear();
}

QString StageList::report() const {
    QStringList rows;
    for (const CheckStage stage : stages_) {
        const auto found = results_.constFind(static_cast<int>(stage));
        if (found != results_.constEnd()) {
            rows.append(nameOf(stage) + ": "_L1 + lookOf(found->state).word + u' ' +
                        timeText(*found) + u' ' + found->text);
        }
    }
    return rows.join(u'\n');
}

} // namespace caldera::studio
