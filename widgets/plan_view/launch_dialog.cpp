#include "widgets/plan_view/launch_dialog.h"

#include <QDialogButtonBox>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QStandardPaths>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/support/labels.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kWidth = 560;
constexpr int kFewestTokens = 256;
constexpr int kMostTokens = 1 << 24;
} // namespace

LaunchDialog::LaunchDialog(const LaunchSettings& suggested, const QString& summary, QWidget* parent)
    : QDialog(parent), name_(new QLineEdit(suggested.name, this)),
      folder_(new QLineEdit(suggested.folder, this)), tokens_(new QSpinBox(this)) {
    setObjectName(u"launchDialog"_s);
    setWindowTitle(tr("Compress"));
    setMinimumWidth(kWidth);
    name_->setToolTip(tr("How the run is called in Runs"));
    folder_->setToolTip(tr("The compressed model is written here; the folder must not exist yet, "
                           "or be empty"));
    tokens_->setRange(kFewestTokens, kMostTokens);
    tokens_->setSingleStep(4096);
    tokens_->setValue(static_cast<int>(suggested.calibrationTokens));
    tokens_->setToolTip(tr("How much text the error is weighted with. 32768 is enough to try, "
                           "262144 is thorough."));
    tokens_->setFixedWidth(140);
    auto* choose = new QToolButton(this);
    choose->setIcon(icon(u"folder"_s));
    choose->setAutoRaise(true);
    choose->setFixedSize(kControlHeight, kControlHeight);
    choose->setToolTip(tr("Choose the folder above it"));
    choose->setAccessibleName(tr("Choose a folder"));
    connect(choose, &QToolButton::clicked, this, &LaunchDialog::chooseFolder);

    auto* folderLine = new QHBoxLayout;
    folderLine->setSpacing(kSpaceTiny);
    folderLine->addWidget(folder_, 1);
    folderLine->addWidget(choose);
    auto* form = new QFormLayout;
    form->setHorizontalSpacing(kSpaceLarge);
    form->setVerticalSpacing(kSpaceMedium);
    form->setLabelAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    form->addRow(tr("Name"), name_);
    form->addRow(tr("Folder"), folderLine);
    form->addRow(tr("Calibration tokens"), tokens_);

    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    start_ = buttons->addButton(tr("Start"), QDialogButtonBox::AcceptRole);
    start_->setDefault(true);
    buttons->button(QDialogButtonBox::Cancel)->setText(tr("Cancel"));
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(folder_, &QLineEdit::textChanged, this, &LaunchDialog::updateButton);
    connect(name_, &QLineEdit::textChanged, this, &LaunchDialog::updateButton);

    auto* text = new ToneLabel(summary, Token::Secondary, this);
    text->setWordWrap(true);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceLarge, kSpaceHuge, kSpaceLarge);
    layout->setSpacing(kSpaceLarge);
    layout->addWidget(text);
    layout->addLayout(form);
    layout->addWidget(buttons);
    updateButton();
}

LaunchSettings LaunchDialog::settings() const {
    return {name_->text().trimmed(), QDir::cleanPath(folder_->text().trimmed()), tokens_->value()};
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

void LaunchDialog::updateButton() {
    start_->setEnabled(!name_->text().trimmed().isEmpty() &&
                       QDir::isAbsolutePath(folder_->text().trimmed()));
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
