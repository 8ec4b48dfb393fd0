#include "widgets/support/file_line.h"

#include <QFileDialog>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QToolButton>

#include "widgets/support/icon_button.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

FileLine::FileLine(const QString& name, QWidget* parent)
    : QWidget(parent), name_(name), edit_(new QLineEdit(this)) {
    edit_->setAccessibleName(name);
    QToolButton* button = iconButton(u"folder"_s, tr("Choose: %1").arg(name), this);
    connect(button, &QToolButton::clicked, this, &FileLine::choose);
    connect(edit_, &QLineEdit::textChanged, this, &FileLine::changed);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceTiny);
    layout->addWidget(edit_, 1);
    layout->addWidget(button);
}

QString FileLine::path() const {
    return edit_->text().trimmed();
}

void FileLine::setPath(const QString& path) {
    edit_->setText(path);
}

void FileLine::choose() {
    auto* dialog = new QFileDialog(this, name_);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFile);
    Q_EMIT choosing(dialog);
    connect(dialog, &QFileDialog::fileSelected, edit_, &QLineEdit::setText);
    dialog->open();
}

} // namespace caldera::studio
