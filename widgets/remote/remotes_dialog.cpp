#include "widgets/remote/remotes_dialog.h"

#include <QDialogButtonBox>
#include <QHBoxLayout>
#include <QListWidget>
#include <QPushButton>
#include <QScrollArea>
#include <QStackedWidget>
#include <QTimer>
#include <QVBoxLayout>

#include "widgets/remote/host_key_dialog.h"
#include "widgets/remote/login_dialog.h"
#include "widgets/remote/stage_list.h"
#include "widgets/remote/target_form.h"
#include "widgets/remote/target_store.h"
#include "widgets/support/empty_state.h"
#include "widgets/support/labels.h"
#include "widgets/support/unsaved_question.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {
constexpr QSize kSize(920, 620); // fits a screen of 1024x700 with its frame
constexpr int kListWidth = 200;
} // namespace

RemotesDialog::RemotesDialog(TargetStore& store, QWidget* parent)
    : QDialog(parent), store_(store), list_(new QListWidget(this)),
      remove_(new QPushButton(icon(u"trash"_s), {}, this)), pages_(new QStackedWidget(this)),
      empty_(new EmptyState(u"server"_s, tr("No other machine yet"),
                            tr("Jobs can run on any machine that you reach by SSH, and on "
                               "clusters with SLURM. The model is read there; what is finished "
                               "comes home."),
                            this)),
      scroll_(new QScrollArea(this)), form_(new TargetForm(this)), stages_(new StageList(this)),
      complaint_(new ToneLabel({}, Token::Secondary, this)),
      test_(new QPushButton(tr("Test"), this)), save_(new QPushButton(tr("Save"), this)) {
    setObjectName(u"remotesDialog"_s);
    setWindowTitle(tr("Machines"));
    resize(kSize);
    empty_->setActionText(tr("Add a machine"));
    pages_->addWidget(empty_);
    pages_->addWidget(makeDetails());
    auto* body = new QHBoxLayout;
    body->setSpacing(kSpaceHuge);
    body->addWidget(makeList());
    body->addWidget(new Separator(Qt::Vertical, this));
    body->addWidget(pages_, 1);
    auto* buttons = new QDialogButtonBox(this);
    QPushButton* close = buttons->addButton(tr("Close"), QDialogButtonBox::RejectRole);
    close->setAutoDefault(false);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceLarge, kSpaceHuge, kSpaceLarge);
    layout->setSpacing(kSpaceLarge);
    layout->addLayout(body, 1);
    layout->addWidget(buttons);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(empty_, &EmptyState::triggered, this, [this] { add(); });
    connect(&store_, &TargetStore::changed, this, &RemotesDialog::showTargets);
    connect(&store_, &TargetStore::failed, complaint_, &QLabel::setText);
    connect(form_, &TargetForm::edited, this, &RemotesDialog::update);
    connectTester();
    showTargets();
}

QWidget* RemotesDialog::makeList() {
    auto* box = new QWidget(this);
    box->setFixedWidth(kListWidth);
    list_->setAccessibleName(tr("Machines"));
    list_->setFrameShape(QFrame::NoFrame);
    auto* addButton = new QPushButton(icon(u"plus"_s), tr("Add"), box);
    addButton->setAutoDefault(false);
    remove_->setAutoDefault(false);
    remove_->setToolTip(tr("Forget this machine; nothing changes on it"));
    remove_->setAccessibleName(tr("Forget this machine"));
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(addButton, 1);
    buttons->addWidget(remove_);
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(list_, 1);
    layout->addLayout(buttons);
    connect(addButton, &QPushButton::clicked, this, [this] { unlessChanged([this] { add(); }); });
    connect(remove_, &QPushButton::clicked, this, &RemotesDialog::removeSelected);
    connect(list_, &QListWidget::currentItemChanged, this, [this](const QListWidgetItem* item) {
        const QString name = item != nullptr ? item->text() : QString();
        if (!name.isEmpty() && isChanged()) {
            mark(shown_.name); // until it is answered
        }
        unlessChanged([this, name] {
            mark(name);
            follow();
        });
    });
    return box;
}

QWidget* RemotesDialog::makeDetails() {
    auto* inside = new QWidget; // as high as it needs; what acts on it stays in sight below
    complaint_->setWordWrap(true);
    test_->setAutoDefault(false);
    save_->setDefault(true);
    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(kSpaceSmall);
    buttons->addWidget(complaint_, 1);
    buttons->addWidget(test_);
    buttons->addWidget(save_);
    auto* layout = new QVBoxLayout(inside);
    layout->setContentsMargins(0, 0, kSpaceSmall, 0);
    layout->setSpacing(kSpaceLarge);
    layout->addWidget(form_);
    layout->addWidget(stages_);
    layout->addStretch(1);
    scroll_->setWidget(inside);
    scroll_->setWidgetResizable(true);
    scroll_->setFrameShape(QFrame::NoFrame);
    scroll_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto* page = new QWidget(this);
    auto* whole = new QVBoxLayout(page);
    whole->setContentsMargins(0, 0, 0, 0);
    whole->setSpacing(kSpaceMedium);
    whole->addWidget(scroll_, 1);
    whole->addLayout(buttons);
    connect(test_, &QPushButton::clicked, this, [this] {
        if (checker_.isRunning()) {
            checker_.stop();
            update();
        } else {
            test();
        }
    });
    connect(save_, &QPushButton::clicked, this, &RemotesDialog::save);
    return page;
}

void RemotesDialog::connectTester() {
    connect(&checker_, &TargetChecker::stageChanged, stages_, &StageList::show);
    connect(&checker_, &TargetChecker::keyShown, this, &RemotesDialog::compareKey);
    connect(&checker_, &TargetChecker::asked, this,
            [this](int number, const QString& target, const QString& question) {
                askForLogin(checker_.logins(), number, target, question, this);
            });
    connect(&checker_, &TargetChecker::finished, this, [this](bool passed, const Target& target) {
        // Keys that were confirmed are kept at once for a target that is stored.
        Target kept = form_->target();
        kept.ssh.hostKeys = target.ssh.hostKeys;
        const bool wasChanged = isChanged();
        form_->setTarget(kept);
        if (!wasChanged && !shown_.name.isEmpty()) {
            save();
        }
        update();
        Q_EMIT tested(passed);
    });
}

void RemotesDialog::showTargets() {
    const QSignalBlocker quiet(list_);
    list_->clear();
    for (const Target& target : store_.targets()) {
        auto* item = new QListWidgetItem(target.name, list_);
        item->setToolTip(target.ssh.host);
        if (target.name == shown_.name) {
            list_->setCurrentItem(item);
        }
    }
    if (pages_->currentIndex() == 0 && list_->count() > 0) {
        showTarget(store_.targets().first());
        list_->setCurrentRow(0);
    }
    update();
}

/// Marks the machine in the list, without showing it.
void RemotesDialog::mark(const QString& name) {
    const QSignalBlocker quiet(list_);
    const QList<QListWidgetItem*> found = list_->findItems(name, Qt::MatchExactly);
    list_->setCurrentItem(found.value(0));
}

void RemotesDialog::reject() {
    unlessChanged([this] { QDialog::reject(); });
}

/// Goes on at once, or when what was typed has been saved or given up.
void RemotesDialog::unlessChanged(const std::function<void()>& then) {
    if (pages_->currentIndex() == 0 || !isChanged()) {
        then();
        return;
    }
    update(); // whether it could be saved
    UnsavedAnswers answers{{},
                           [this, then] {
                               form_->setTarget(shown_);
                               then();
                           },
                           {}};
    if (save_->isEnabled()) {
        answers.save = [this, then] {
            save();
            then();
        };
    } else {
        answers.obstacle = complaint_->text();
    }
    askAboutUnsaved(*this, answers);
}

void RemotesDialog::select(const QString& name) {
    const QList<QListWidgetItem*> found = list_->findItems(name, Qt::MatchExactly);
    if (!found.isEmpty()) {
        list_->setCurrentItem(found.first());
    }
}

void RemotesDialog::follow() {
    const QListWidgetItem* item = list_->currentItem();
    const auto target = item != nullptr ? store_.find(item->text()) : std::nullopt;
    if (target) {
        showTarget(*target);
    }
}

void RemotesDialog::add(TargetKind kind) {
    list_->setCurrentItem(nullptr);
    Target target;
    target.kind = kind;
    target.folder = u"~/caldera/jobs"_s;
    showTarget(target);
    form_->setFocus();
}

void RemotesDialog::showTarget(const Target& target) {
    checker_.stop();
    stages_->clear();
    complaint_->clear();
    shown_ = target;
    form_->setTarget(target);
    pages_->setCurrentIndex(1);
    update();
}

void RemotesDialog::test() {
    stages_->begin(checkStages(form_->target().kind));
    checker_.start(form_->target());
    update();
    QTimer::singleShot(0, scroll_, [this] { scroll_->ensureWidgetVisible(stages_, 0, 0); });
}

void RemotesDialog::save() {
    const Target target = form_->target();
    const QString before = shown_.name;
    shown_ = target;
    store_.save(target, before);
    update();
}

void RemotesDialog::removeSelected() {
    const QString name = shown_.name;
    shown_ = Target();
    checker_.stop();
    pages_->setCurrentIndex(0);
    store_.remove(name);
    follow();
    update();
}

void RemotesDialog::compareKey(const QStringList& keys) {
    const SshEndpoint shown = form_->target().ssh;
    auto* dialog = new HostKeyDialog(shown, keys, !shown.hostKeys.isEmpty(), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::finished, this,
            [this](int result) { checker_.confirmKey(result == QDialog::Accepted); });
    dialog->open();
}

bool RemotesDialog::isChanged() const {
    return form_->target() != shown_;
}

void RemotesDialog::update() {
    const Target target = form_->target();
    QString complaint = targetComplaint(target);
    if (complaint.isEmpty() && target.name != shown_.name && store_.find(target.name)) {
        complaint = tr("There is a machine of this name already.");
    }
    const bool isBegun = !target.name.isEmpty() || !target.ssh.host.isEmpty();
    if (pages_->currentIndex() == 1) {
        complaint_->setText(isBegun ? complaint : QString());
    }
    test_->setText(checker_.isRunning() ? tr("Stop the test") : tr("Test"));
    test_->setEnabled(complaint.isEmpty() || checker_.isRunning());
    save_->setEnabled(complaint.isEmpty() && isChanged());
    remove_->setEnabled(!shown_.name.isEmpty());
}

} // namespace caldera::studio
