#include "widgets/remote/open_elsewhere_dialog.h"

#include <atomic>

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLineEdit>
#include <QPointer>
#include <QProgressBar>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>
#include <QtConcurrentRun>

#include "core/job/progress.h"
#include "widgets/remote/when_done.h"
#include "widgets/support/icon_button.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kWidth = 520;
constexpr int kBarSteps = 1000;
constexpr int kLookEvery = 200; // ms

QString explanation() {
    return OpenElsewhereDialog::tr(
        "Its shape, tokenizer and tensors come here, its weights stay there: measure, paint and "
        "compress it on that machine, and chat with the result there.");
}

} // namespace

/// Written by the pool's thread.
struct OpenElsewhereDialog::Progress {
    std::atomic<qint64> done = 0;
    std::atomic<qint64> total = -1;
    EtaClock eta; ///< of the window's thread
};

OpenElsewhereDialog::OpenElsewhereDialog(const QList<Target>& targets, QWidget* parent)
    : QDialog(parent), targets_(targets), target_(new QComboBox(this)), place_(new QLineEdit(this)),
      text_(new ToneLabel({}, Token::Secondary, this)), bar_(new QProgressBar(this)) {
    setObjectName(u"openElsewhereDialog"_s);
    setWindowTitle(tr("Open a model on another machine"));
    setMinimumWidth(kWidth);
    for (const Target& target : targets_) {
        target_->addItem(target.name);
    }
    target_->setAccessibleName(tr("Machine"));
    place_->setPlaceholderText(tr("Qwen/Qwen2-72B, or /data/Qwen2-72B"));
    place_->setAccessibleName(tr("Model there"));
    place_->setToolTip(tr("A name of the Hugging Face hub, which is fetched there once where it is "
                          "not there yet; or a folder or .gguf file there"));
    text_->setWordWrap(true);
    look_.setInterval(kLookEvery);
    connect(&look_, &QTimer::timeout, this, &OpenElsewhereDialog::showProgress);
    bar_->setRange(0, kBarSteps);
    bar_->setTextVisible(false);
    bar_->hide();
    QToolButton* machines = iconButton(u"server"_s, tr("Add, test and change machines"), this);
    connect(machines, &QToolButton::clicked, this, &OpenElsewhereDialog::machinesRequested);
    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceTiny);
    line->addWidget(target_, 1);
    line->addWidget(machines);
    auto* form = new QFormLayout;
    form->setHorizontalSpacing(kSpaceLarge);
    form->setVerticalSpacing(kSpaceMedium);
    form->addRow(tr("Machine"), line);
    form->addRow(tr("Model there"), place_);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    open_ = buttons->addButton(tr("Open"), QDialogButtonBox::AcceptRole);
    open_->setDefault(true);
    buttons->button(QDialogButtonBox::Cancel)->setText(tr("Cancel"));
    connect(buttons, &QDialogButtonBox::accepted, this, &OpenElsewhereDialog::begin);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(place_, &QLineEdit::textChanged, this, &OpenElsewhereDialog::update);
    connect(target_, &QComboBox::currentIndexChanged, this, &OpenElsewhereDialog::update);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceLarge, kSpaceHuge, kSpaceLarge);
    layout->setSpacing(kSpaceLarge);
    layout->addLayout(form);
    layout->addWidget(text_);
    layout->addWidget(bar_);
    layout->addWidget(buttons);
    update();
}

OpenElsewhereDialog::~OpenElsewhereDialog() {
    stop_.request_stop();
}

void OpenElsewhereDialog::show(const QString& text, bool isComplaint) {
    complaint_ = isComplaint ? text : QString();
    text_->setTone(isComplaint ? Token::Warn : Token::Secondary);
    text_->setText(text);
}

void OpenElsewhereDialog::update() {
    const int at = target_->currentIndex();
    const bool isKnown = at >= 0 && !targets_[at].ssh.hostKeys.isEmpty();
    open_->setEnabled(isKnown && !place_->text().trimmed().isEmpty() && !isBusy_);
    for (QWidget* field : {static_cast<QWidget*>(target_), static_cast<QWidget*>(place_)}) {
        field->setEnabled(!isBusy_);
    }
    if (isBusy_) {
        return;
    }
    if (at < 0) {
        show(tr("There is no other machine yet. Add one first."), true);
    } else if (!isKnown) {
        show(tr("This machine was not tested yet. Test it first, so that its key is known."), true);
    } else {
        show(explanation(), false);
    }
}

void OpenElsewhereDialog::begin() {
    if (isBusy_) {
        return;
    }
    isBusy_ = true; // already: the keyring may take its time, and Open could be pressed again
    update();
    if (readHub_ && isHubName(place_->text().trimmed())) {
        readHub_([shown = QPointer(this)](const HubAccess& hub) {
            if (shown) {
                shown->fetch(hub);
            }
        });
    } else {
        fetch({});
    }
}

void OpenElsewhereDialog::fetch(const HubAccess& hub) {
    const ModelElsewhere model{targets_[target_->currentIndex()], place_->text().trimmed(), hub};
    show(tr("Asking %1…").arg(model.target.name), false);
    progress_ = std::make_shared<Progress>();
    look_.start();
    const auto tell = [progress = progress_](qint64 done, qint64 total) {
        progress->done = done;
        progress->total = total;
    };
    whenDone(
        QtConcurrent::run(
            [model, tell, stop = stop_.get_token()] { return fetchOutline(model, tell, stop); }),
        this,
        [this, model](const FetchedOutline& outline) {
            Q_EMIT fetched(outline, model.target.name, model.place);
            accept();
        },
        [this](const Error& error) { end(QString::fromUtf8(error.what())); });
}

/// Nothing to tell until the machine has to fetch the model from the hub.
void OpenElsewhereDialog::showProgress() {
    const qint64 done = progress_->done;
    const qint64 total = progress_->total;
    if (total < 0) {
        return;
    }
    bar_->show();
    bar_->setRange(0, total > 0 ? kBarSteps : 0);
    bar_->setValue(total > 0 ? static_cast<int>(kBarSteps * done / total) : 0);
    const QString left = spanText(progress_->eta.update(done, total));
    show(total > 0 && done > 0
             ? tr("The machine fetches the model from the hub: %1 of %2, %3 left. It goes on where "
                  "it was when this is closed and begun again.")
                   .arg(sizeText(done), sizeText(total), left)
             : tr("The machine fetches the model from the hub…"),
         false);
}

void OpenElsewhereDialog::end(const QString& complaint) {
    look_.stop();
    isBusy_ = false;
    bar_->hide();
    update();
    show(complaint, true);
}

} // namespace caldera::studio
