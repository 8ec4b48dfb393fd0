#include "widgets/pods/pod_strip.h"

#include <QHBoxLayout>
#include <QPainter>
#include <QPushButton>
#include <QVBoxLayout>

#include "widgets/pods/pod_words.h"
#include "widgets/remote/pod_quote.h"
#include "widgets/support/labels.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kEdgeWidth = 3;
constexpr qsizetype kShortId = 8;

} // namespace

QString rentalLine(const PodRental& rental) {
    const PodRecord& record = rental.record();
    const QString gpu =
        rental.pod().gpu.isEmpty() ? record.request.gpus.value(0) : rental.pod().gpu;
    QString line = PodStrip::tr("%1 for %2: %3")
                       .arg(gpu, record.jobId.left(kShortId), podPhaseWord(record.phase));
    const QString reason = podReasonWord(record.reason);
    if (!reason.isEmpty())
        line += PodStrip::tr(" (%1)").arg(reason);
    if (rental.hourlyPrice() > 0)
        line += PodStrip::tr(", %1 an hour").arg(dollarText(rental.hourlyPrice()));
    line += PodStrip::tr(", %1 of %2 spent").arg(dollarText(record.spent), dollarText(record.cap));
    if (record.phase == PodPhase::Stopped)
        line += PodStrip::tr("; its volume costs %1 a month")
                    .arg(dollarText(record.request.volume.monthlyPrice));
    if (!rental.problem().isEmpty())
        line += u". "_s + rental.problem();
    return line;
}

PodStrip::PodStrip(PodService& service, QWidget* parent)
    : QWidget(parent), service_(service), layout_(new QVBoxLayout(this)) {
    setObjectName(u"podStrip"_s);
    layout_->setContentsMargins(kSpaceMedium + kEdgeWidth, kSpaceTiny, kSpaceMedium, kSpaceTiny);
    layout_->setSpacing(kSpaceTiny);
    connect(&service_, &PodService::changed, this, &PodStrip::refresh);
    refresh();
}

QStringList PodStrip::lines() const {
    QStringList texts;
    for (const ElidedLabel* label : findChildren<ElidedLabel*>())
        texts.append(label->text());
    return texts;
}

void PodStrip::refresh() {
    QStringList all;
    for (const PodRental* rental : service_.rentals()) {
        if (!rental->record().over())
            all.append(rentalLine(*rental));
    }
    for (const Pod& pod : service_.strangers())
        all.append(pod.id);
    setVisible(!all.isEmpty());
    // Buttons stay under the cursor while only other things change.
    if (const QString now = all.join(u'\n'); now != std::exchange(shown_, now)) {
        for (QWidget* line : findChildren<QWidget*>(Qt::FindDirectChildrenOnly)) {
            line->hide();
            line->setParent(nullptr);
            line->deleteLater(); // one of its buttons may be what was clicked
        }
        for (PodRental* rental : service_.rentals())
            addRental(*rental);
        for (const Pod& pod : service_.strangers())
            addStranger(pod);
    }
    update();
}

void PodStrip::addRental(PodRental& rental) {
    const PodPhase phase = rental.record().phase;
    if (phase == PodPhase::Returned)
        return;
    QList<QWidget*> buttons;
    const QString job = rental.record().jobId;
    if (phase < PodPhase::Stopping) {
        auto* stop = new QPushButton(tr("Stop"), this);
        stop->setToolTip(tr("Ends its costs; what it has done stays on its volume"));
        connect(stop, &QPushButton::clicked, this, [this, job] {
            if (PodRental* known = service_.rental(job))
                known->stop(PodStopReason::User);
        });
        buttons.append(stop);
    } else if (phase == PodPhase::Stopped) {
        auto* back = new QPushButton(tr("Give back"), this);
        back->setToolTip(tr("Returns the pod; its network volume keeps everything"));
        connect(back, &QPushButton::clicked, this, [this, job] {
            if (PodRental* known = service_.rental(job))
                known->giveBack(PodRental::Insist::Yes);
        });
        buttons.append(back);
    }
    addLine(rentalLine(rental), rental.hourlyPrice() > 0, buttons);
}

void PodStrip::addStranger(const Pod& pod) {
    addLine(tr("%1, not rented from this machine: %2 an hour")
                .arg(pod.name, dollarText(pod.costs() ? pod.hourlyPrice : 0)),
            pod.costs(), {});
}

void PodStrip::addLine(const QString& text, bool costs, const QList<QWidget*>& buttons) {
    auto* line = new QWidget(this);
    auto* label = new ElidedLabel(text, line);
    label->setAccessibleName(text);
    label->setTone(costs ? Token::Text : Token::Secondary);
    auto* layout = new QHBoxLayout(line);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(label, 1);
    for (QWidget* button : buttons)
        layout->addWidget(button);
    layout_->addWidget(line);
}

void PodStrip::paintEvent(QPaintEvent*) {
    const Theme& theme = Theme::current();
    QPainter painter(this);
    painter.fillRect(rect(), theme.color(Token::Raised));
    const bool costs = service_.hourlyPrice() > 0;
    painter.fillRect(QRect(0, 0, kEdgeWidth, height()),
                     theme.color(costs ? Token::Warn : Token::Line));
    painter.fillRect(QRect(0, height() - 1, width(), 1), theme.color(Token::Line));
}

} // namespace caldera::studio
