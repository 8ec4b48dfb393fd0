#include "widgets/remote/target_form.h"

#include <QComboBox>
#include <QDir>
#include <QFileDialog>
#include <QFormLayout>
#include <QLineEdit>
#include <QSpinBox>

#include <initializer_list>

#include "widgets/remote/bundle_fields.h"
#include "widgets/support/file_line.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kNumberWidth = 120;
constexpr int kMostMemory = 1 << 24;
constexpr int kMostCpus = 1 << 12;
constexpr int kMostShards = 1000;

QFormLayout* makeForm() {
    auto* form = new QFormLayout;
    form->setContentsMargins(0, 0, 0, 0);
    form->setHorizontalSpacing(kSpaceLarge);
    form->setVerticalSpacing(kSpaceSmall);
    form->setLabelAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    return form;
}

/// Zero reads as "not said".
QSpinBox* number(int most, const QString& zero, QWidget* parent) {
    auto* box = new QSpinBox(parent);
    box->setRange(0, most);
    box->setSpecialValueText(zero);
    box->setFixedWidth(kNumberWidth);
    return box;
}

} // namespace

TargetForm::TargetForm(QWidget* parent)
    : QWidget(parent), form_(makeForm()), kind_(new QComboBox(this)) {
    kind_->addItem(tr("SSH host"), static_cast<int>(TargetKind::Ssh));
    kind_->addItem(tr("SLURM cluster"), static_cast<int>(TargetKind::Slurm));
    kind_->setAccessibleName(tr("Kind"));
    form_->addRow(tr("Kind"), kind_);
    name_ = addLine(tr("Name"), tr("gpu-3"), tr("How it is called here"));
    addSshRows();
    folder_ = addLine(tr("Folder for jobs"), u"~/caldera/jobs"_s,
                      tr("On the host; needs room for the compressed model and its work files"));
    addWorkerRows();
    addSlurmRows();
    setLayout(form_);
    connect(kind_, &QComboBox::currentIndexChanged, this, &TargetForm::showKind);
    connect(kind_, &QComboBox::currentIndexChanged, this, &TargetForm::edited);
    for (QSpinBox* box : findChildren<QSpinBox*>()) {
        connect(box, &QSpinBox::valueChanged, this, &TargetForm::edited);
    }
    showKind();
    showWorker();
}

void TargetForm::addSshRows() {
    host_ = addLine(tr("Host"), tr("name, address, or alias of ~/.ssh/config"), {});
    port_ = number(65535, tr("as usual"), this);
    port_->setToolTip(tr("What ~/.ssh/config says, else 22"));
    port_->setAccessibleName(tr("Port"));
    form_->addRow(tr("Port"), port_);
    user_ = addLine(tr("User"), tr("as usual"), tr("What ~/.ssh/config says, else your name here"));
    key_ = new FileLine(tr("Private key"), this);
    key_->edit()->setPlaceholderText(tr("agent and usual keys"));
    connect(key_, &FileLine::changed, this, &TargetForm::edited);
    connect(key_, &FileLine::choosing, this, [](QFileDialog* dialog) {
        dialog->setDirectory(QDir::homePath() + "/.ssh"_L1);
        dialog->setFilter(QDir::Files | QDir::Hidden);
    });
    form_->addRow(tr("Key file"), key_);
    jumps_ = addLine(tr("Jump hosts"), tr("none"),
                     tr("user@host:port of each machine on the way, with commas between"));
}

void TargetForm::addWorkerRows() {
    worker_ = addLine(tr("Worker"), tr("caldera, as found there"),
                      tr("The caldera program on the host, when it is not on the PATH there"));
    bundle_ = bundleLine(this);
    bundle_->edit()->setPlaceholderText(tr("none: the worker is there already"));
    bundleUrl_ = bundleUrlLine(this);
    form_->addRow(tr("Worker bundle"), bundle_);
    form_->addRow(tr("Fetched from"), bundleUrl_);
    connect(bundle_, &FileLine::changed, this, &TargetForm::showWorker);
    connect(bundle_, &FileLine::changed, this, &TargetForm::edited);
    connect(bundleUrl_, &QLineEdit::textChanged, this, &TargetForm::edited);
}

/// A bundle brings the worker along.
void TargetForm::showWorker() {
    const bool isInstalled = !bundle_->path().isEmpty();
    worker_->setEnabled(!isInstalled);
    form_->setRowVisible(bundleUrl_, isInstalled);
}

void TargetForm::addSlurmRows() {
    partition_ = addLine(tr("Partition"), tr("the cluster's default"), {});
    account_ = addLine(tr("Account"), tr("yours"), {});
    timeLimit_ = addLine(tr("Time limit"), tr("the cluster's default"),
                         tr("days-hours:minutes:seconds, as sbatch takes it. A job that reaches "
                            "it is resumed with what is finished."));
    gpus_ = addLine(tr("GPUs of a task"), tr("none"), tr("As --gres takes it: gpu:1"));
    memory_ = number(kMostMemory, tr("default"), this);
    memory_->setSuffix(tr(" MiB"));
    form_->addRow(tr("Memory of a task"), memory_);
    cpus_ = number(kMostCpus, tr("default"), this);
    form_->addRow(tr("Processors of a task"), cpus_);
    shards_ = number(kMostShards, {}, this);
    shards_->setMinimum(1);
    shards_->setToolTip(tr("A compression is split by layers into so many tasks, which the "
                           "scheduler spreads over its nodes; their results are joined"));
    form_->addRow(tr("Tasks"), shards_);
}

QLineEdit* TargetForm::addLine(const QString& label, const QString& placeholder,
                               const QString& toolTip) {
    auto* line = new QLineEdit(this);
    line->setPlaceholderText(placeholder);
    line->setToolTip(toolTip);
    line->setAccessibleName(label);
    connect(line, &QLineEdit::textChanged, this, &TargetForm::edited);
    form_->addRow(label, line);
    return line;
}

void TargetForm::showKind() {
    const bool isSlurm = kind_->currentData().toInt() == static_cast<int>(TargetKind::Slurm);
    for (QWidget* field : std::initializer_list<QWidget*>{partition_, account_, timeLimit_, gpus_,
                                                          memory_, cpus_, shards_}) {
        form_->setRowVisible(field, isSlurm);
    }
}

void TargetForm::setTarget(const Target& target) {
    const QSignalBlocker quiet(this);
    before_ = target;
    kind_->setCurrentIndex(target.kind == TargetKind::Slurm ? 1 : 0);
    name_->setText(target.name);
    host_->setText(target.ssh.host);
    port_->setValue(target.ssh.port);
    user_->setText(target.ssh.user);
    key_->setPath(target.ssh.identityFile);
    jumps_->setText(target.ssh.jumpHosts.join(u", "_s));
    folder_->setText(target.folder);
    worker_->setText(target.worker);
    bundle_->setPath(target.bundle);
    bundleUrl_->setText(target.bundleUrl);
    showWorker();
    partition_->setText(target.slurm.partition);
    account_->setText(target.slurm.account);
    timeLimit_->setText(target.slurm.timeLimit);
    gpus_->setText(target.slurm.gpus);
    memory_->setValue(target.slurm.memoryMiB);
    cpus_->setValue(target.slurm.cpus);
    shards_->setValue(target.slurm.shards);
    showKind();
}

Target TargetForm::target() const {
    Target target = before_;
    target.kind = static_cast<TargetKind>(kind_->currentData().toInt());
    target.name = name_->text().trimmed();
    target.ssh.host = host_->text().trimmed();
    target.ssh.port = port_->value();
    target.ssh.user = user_->text().trimmed();
    target.ssh.identityFile = key_->path();
    target.ssh.jumpHosts.clear();
    for (const QString& jump : jumps_->text().split(u',', Qt::SkipEmptyParts)) {
        target.ssh.jumpHosts.append(jump.trimmed());
    }
    target.folder = folder_->text().trimmed();
    target.worker = worker_->text().trimmed();
    target.bundle = bundle_->path();
    target.bundleUrl = bundleUrl_->text().trimmed();
    target.slurm.partition = partition_->text().trimmed();
    target.slurm.account = account_->text().trimmed();
    target.slurm.timeLimit = timeLimit_->text().trimmed();
    target.slurm.gpus = gpus_->text().trimmed();
    target.slurm.memoryMiB = memory_->value();
    target.slurm.cpus = cpus_->value();
    target.slurm.shards = shards_->value();
    const bool isSamePlace = target.ssh.host == before_.ssh.host &&
                             target.ssh.port == before_.ssh.port &&
                             target.ssh.jumpHosts == before_.ssh.jumpHosts;
    if (!isSamePlace) {
        target.ssh.hostKeys.clear();
    }
    return target;
}

} // namespace caldera::studio
