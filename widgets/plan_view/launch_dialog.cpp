#include "widgets/plan_view/launch_dialog.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QLineEdit>
#include <QPushButton>
#include <QSettings>
#include <QSpinBox>
#include <QStandardPaths>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/plan_view/preflight_line.h"
#include "widgets/pods/pod_choice.h"
#include "widgets/remote/model_fetch.h"
#include "widgets/support/fit_height.h"
#include "widgets/support/icon_button.h"
#include "widgets/support/labels.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kWidth = 560;
constexpr int kWideWidth = 1120; ///< with what is measured beside it
constexpr int kCheckAfter = 400; ///< ms
constexpr int kFewestTokens = 256;
constexpr int kMostTokens = 1 << 24;
constexpr QLatin1StringView kTargetKey("launch/target");

/// Where a model lies on a machine, as it was entered the last time.
QString placeKey(const QString& target, const QString& fingerprint) {
    return "launch/models/"_L1 + QString::fromLatin1(target.toUtf8().toPercentEncoding()) + u'/' +
           fingerprint;
}
} // namespace

LaunchDialog::LaunchDialog(const LaunchSettings& suggested, const QList<Target>& targets,
                           const QString& summary, QWidget* parent)
    : QDialog(parent), suggested_(suggested), columns_(new QHBoxLayout), podBox_(new QWidget(this)),
      form_(new QFormLayout), target_(new QComboBox(this)),
      name_(new QLineEdit(suggested.name, this)), model_(new QLineEdit(this)),
      folder_(new QLineEdit(suggested.folder, this)), tokens_(new QSpinBox(this)),
      note_(new ToneLabel({}, Token::Secondary, this)), preflight_(new PreflightLine(this)) {
    setObjectName(u"launchDialog"_s);
    setWindowTitle(suggested.compresses ? tr("Compress") : tr("Measure"));
    setMinimumWidth(kWidth);
    explainFields();
    fillForm();
    auto* text = new ToneLabel(summary, Token::Secondary, this);
    text->setWordWrap(true);
    note_->setWordWrap(true);
    auto* podLayout = new QVBoxLayout(podBox_);
    podLayout->setContentsMargins(0, 0, 0, 0);
    auto* where = new QVBoxLayout;
    where->setSpacing(kSpaceLarge);
    where->addLayout(form_);
    where->addWidget(podBox_); // in the form its wrapped text would leave other rows no height
    where->addWidget(note_);
    where->addWidget(preflight_);
    where->addStretch(1);
    columns_->setSpacing(kSpaceHuge);
    columns_->addLayout(where, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceLarge, kSpaceHuge, kSpaceLarge);
    layout->setSpacing(kSpaceLarge);
    layout->addWidget(text);
    layout->addLayout(columns_, 1);
    layout->addWidget(makeButtons());
    connectFields();
    setTargets(targets);
    target_->setCurrentIndex(qMax(0, target_->findText(QSettings().value(kTargetKey).toString())));
    showTarget();
}

void LaunchDialog::fillForm() {
    tokens_->setValue(static_cast<int>(suggested_.calibrationTokens));
    form_->setHorizontalSpacing(kSpaceLarge);
    form_->setVerticalSpacing(kSpaceMedium);
    form_->setLabelAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    folderRow_ = folderLine();
    form_->addRow(tr("Name"), name_);
    form_->addRow(tr("Run on"), targetLine());
    form_->addRow(tr("Model there"), model_);
    form_->addRow(tr("Folder"), folderRow_);
    form_->addRow(tr("Calibration tokens"), tokens_);
    form_->setRowVisible(tokens_, suggested_.compresses);
}

QWidget* LaunchDialog::makeButtons() {
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    start_ = buttons->addButton(tr("Start"), QDialogButtonBox::AcceptRole);
    start_->setDefault(true);
    buttons->button(QDialogButtonBox::Cancel)->setText(tr("Cancel"));
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    return buttons;
}

void LaunchDialog::connectFields() {
    connect(this, &QDialog::accepted, this, &LaunchDialog::remember);
    connect(target_, &QComboBox::currentIndexChanged, this, &LaunchDialog::showTarget);
    for (QLineEdit* line : {folder_, name_, model_}) {
        connect(line, &QLineEdit::textChanged, this, &LaunchDialog::updateButton);
    }
    checkSoon_.setSingleShot(true);
    checkSoon_.setInterval(kCheckAfter);
    connect(&checkSoon_, &QTimer::timeout, this, &LaunchDialog::check);
    connect(preflight_, &PreflightLine::askRequested, this, &LaunchDialog::check);
    connect(preflight_, &PreflightLine::changed, this, &LaunchDialog::updateButton);
    connect(preflight_, &PreflightLine::changed, this, [this] { fitHeight(*this); });
    connect(tokens_, &QSpinBox::valueChanged, this, &LaunchDialog::forgetCheck);
    connect(model_, &QLineEdit::textChanged, this, &LaunchDialog::forgetCheck);
    connect(folder_, &QLineEdit::textChanged, this, &LaunchDialog::forgetCheck);
}

void LaunchDialog::explainFields() {
    name_->setToolTip(tr("How the run is called in Runs"));
    folder_->setToolTip(tr("The compressed model is written here; the folder must not exist yet, "
                           "or be empty"));
    tokens_->setRange(kFewestTokens, kMostTokens);
    tokens_->setSingleStep(4096);
    tokens_->setToolTip(tr("How much text the error is weighted with. 32768 is enough to try, "
                           "262144 is thorough."));
    tokens_->setFixedWidth(140);
}

QWidget* LaunchDialog::folderLine() {
    auto* box = new QWidget(this);
    QToolButton* choose = iconButton(u"folder"_s, tr("Choose the folder above it"), box);
    connect(choose, &QToolButton::clicked, this, &LaunchDialog::chooseFolder);
    auto* layout = new QHBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceTiny);
    layout->addWidget(folder_, 1);
    layout->addWidget(choose);
    return box;
}

QWidget* LaunchDialog::targetLine() {
    auto* box = new QWidget(this);
    target_->setAccessibleName(tr("Run on"));
    QToolButton* machines = iconButton(u"server"_s, tr("Add, test and change machines"), box);
    connect(machines, &QToolButton::clicked, this, &LaunchDialog::machinesRequested);
    auto* layout = new QHBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceTiny);
    layout->addWidget(target_, 1);
    layout->addWidget(machines);
    return box;
}

void LaunchDialog::setTargets(const QList<Target>& targets) {
    const QString before = target_->currentText();
    targets_ = targets;
    {
        const QSignalBlocker quiet(target_);
        target_->clear();
        target_->addItems(targetNames());
        target_->setCurrentIndex(qMax(0, target_->findText(before)));
    }
    showTarget();
}

QStringList LaunchDialog::targetNames() const {
    QStringList names{tr("This machine")};
    for (const Target& target : targets_) {
        names.append(target.name);
    }
    if (pod_ != nullptr) {
        names.append(tr("Rented pod (RunPod)"));
    }
    return names;
}

void LaunchDialog::offerPod(PodChoice* choice) {
    pod_ = choice;
    podBox_->layout()->addWidget(pod_);
    connect(pod_, &PodChoice::changed, this, &LaunchDialog::updateButton);
    connect(model_, &QLineEdit::textChanged, this, &LaunchDialog::showDownload);
    setTargets(targets_);
    target_->setCurrentIndex(qMax(0, target_->findText(QSettings().value(kTargetKey).toString())));
}

void LaunchDialog::askMeasuring(MeasureForm* form) {
    measuring_ = form;
    setMinimumWidth(kWideWidth);
    columns_->insertWidget(0, measuring_, 1);
    columns_->insertWidget(1, new Separator(Qt::Vertical, this));
    connect(measuring_, &MeasureForm::changed, this, &LaunchDialog::forgetCheck);
    connect(measuring_, &MeasureForm::changed, this, [this] { fitHeight(*this); });
    showTarget();
}

/// A name of the hub is fetched by the pod; anything else lies on its volume.
void LaunchDialog::showDownload() {
    pod_->setDownload(
        isHubName(model_->text().trimmed()) ? static_cast<double>(suggested_.modelBytes) : 0.0);
}

Target LaunchDialog::chosen() const {
    const int at = target_->currentIndex() - 1;
    Target pod;
    pod.kind = TargetKind::Pod;
    pod.name = target_->currentText();
    return at < 0 ? Target() : at < targets_.size() ? targets_[at] : pod;
}

QString LaunchDialog::note(const Target& target) const {
    if (target.kind == TargetKind::Local) {
        return tr("The weights of this model are not on this machine, only its outline is. Choose "
                  "the machine where they are.");
    }
    if (target.kind == TargetKind::Pod) {
        return tr("The pod is rented for this run and given back at its end. It goes on when the "
                  "studio is closed; a watchdog on it ends its costs when it is done or idle.");
    }
    return target.ssh.hostKeys.isEmpty()
               ? tr("This machine was not tested yet. Test it first, so that its key is known.")
               : tr("It goes on there when the studio is closed. Finished cells and the result "
                    "come home and are proven by their hashes.");
}

void LaunchDialog::showTarget() {
    const Target target = chosen();
    const bool isHere = target.kind == TargetKind::Local;
    form_->setRowVisible(folderRow_, isHere && suggested_.compresses);
    form_->setRowVisible(model_, !isHere);
    if (!isHere) {
        model_->setText(
            QSettings().value(placeKey(target.name, suggested_.fingerprint)).toString());
    }
    podBox_->setVisible(target.kind == TargetKind::Pod);
    model_->setPlaceholderText(target.kind == TargetKind::Pod
                                   ? tr("Qwen/Qwen2-72B, or /workspace/models/Qwen2-72B")
                                   : tr("Qwen/Qwen2-72B, or /data/Qwen2-72B"));
    model_->setToolTip(tr("A name of the Hugging Face hub, which is fetched there once where it is "
                          "not there yet; or a folder or .gguf file there. The model is not sent "
                          "from here."));
    note_->setVisible(!isHere || suggested_.onlyElsewhere);
    note_->setText(note(target));
    if (measuring_ != nullptr) {
        measuring_->setPlace(isHere ? MeasureForm::Place::Here : MeasureForm::Place::Elsewhere);
    }
    forgetCheck();
    fitHeight(*this);
}

/// Here the answer comes by itself; elsewhere it takes a login, which a person asks for.
void LaunchDialog::forgetCheck() {
    const Target target = chosen();
    const bool isHere = target.kind == TargetKind::Local;
    const bool canAsk = !target.ssh.hostKeys.isEmpty() && !model_->text().trimmed().isEmpty();
    if (isHere && !suggested_.onlyElsewhere) {
        preflight_->showAsking();
        checkSoon_.start();
    } else {
        preflight_->showNothing(!isHere && canAsk);
        checkSoon_.stop();
    }
    updateButton();
}

void LaunchDialog::check() {
    preflight_->showAsking();
    Q_EMIT checkRequested(settings());
}

/// The next dialog suggests the same.
void LaunchDialog::remember() const {
    const Target target = chosen();
    if (target.kind == TargetKind::Local) {
        QSettings().setValue(kTargetKey, QString());
    } else {
        rememberModelThere(target.name, suggested_.fingerprint, model_->text().trimmed());
    }
}

LaunchSettings LaunchDialog::settings() const {
    LaunchSettings settings = suggested_;
    settings.name = name_->text().trimmed();
    settings.folder = QDir::cleanPath(folder_->text().trimmed());
    settings.calibrationTokens = tokens_->value();
    settings.target = chosen();
    settings.forces = preflight_->forces();
    settings.modelThere = model_->text().trimmed();
    if (measuring_ != nullptr) {
        settings.measuring = measuring_->settings();
    }
    if (settings.target.kind == TargetKind::Pod) {
        settings.pod = pod_->order();
    }
    return settings;
}

void LaunchDialog::chooseFolder() {
    auto* dialog = new QFileDialog(this, tr("Folder for the compressed model"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    const QFileInfo now(folder_->text());
    dialog->setDirectory(now.path());
    connect(dialog, &QFileDialog::fileSelected, this,
            [this, name = now.fileName()](const QString& parentFolder) {
                folder_->setText(QDir(parentFolder).filePath(name));
            });
    dialog->open();
}

/// A button that is grey says why.
void LaunchDialog::updateButton() {
    const Target target = chosen();
    const bool isHere = target.kind == TargetKind::Local;
    const bool isPod = target.kind == TargetKind::Pod;
    const auto missing = [&]() -> QString {
        if (name_->text().trimmed().isEmpty()) {
            return tr("The run has no name.");
        }
        if (isHere && suggested_.onlyElsewhere) {
            return tr("The weights are not here: choose the machine where they are.");
        }
        if (isHere && suggested_.compresses && !QDir::isAbsolutePath(folder_->text().trimmed())) {
            return tr("Choose a folder for the compressed model.");
        }
        if (!isHere && !(isPod ? pod_->order().has_value() : !target.ssh.hostKeys.isEmpty())) {
            return isPod ? tr("The pod is not chosen yet.") : tr("Test the machine first.");
        }
        if (!isHere && model_->text().trimmed().isEmpty()) {
            return tr("Say where the model is on that machine.");
        }
        if (measuring_ != nullptr && !measuring_->isSound()) {
            return tr("Choose what is measured, and on which text.");
        }
        // A pod that is not rented yet cannot be asked: its worker looks before it loads.
        return isPod || preflight_->mayStart() ? QString() : tr("It would fail as it is.");
    };
    const QString reason = missing();
    start_->setEnabled(reason.isEmpty());
    start_->setToolTip(reason);
}

void rememberModelThere(const QString& target, const QString& fingerprint, const QString& place) {
    QSettings settings;
    settings.setValue(kTargetKey, target);
    settings.setValue(placeKey(target, fingerprint), place);
}

QString suggestArtifactFolder(const QString& name) {
    const QDir root(QStandardPaths::writableLocation(QStandardPaths::GenericDataLocation) +
                    u"/caldera/models"_s);
    QString candidate = root.filePath(name);
    for (int number = 2; QFileInfo::exists(candidate); ++number) {
        candidate = root.filePath(name + u'-' + QString::number(number));
    }
    return candidate;
}

} // namespace caldera::studio
