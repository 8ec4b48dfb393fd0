#include "widgets/plan_view/evaluate_form.h"

#include <QCheckBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QListWidget>
#include <QPushButton>
#include <QSpinBox>
#include <QVBoxLayout>

#include "widgets/plan_view/text_choice.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kMostContext = 1 << 20;
constexpr int kTasksHeight = 72;
} // namespace

EvaluateForm::EvaluateForm(const EvaluateSettings& suggested, QWidget* parent)
    : QWidget(parent), onText_(new QCheckBox(tr("Perplexity and nearness on a text"), this)),
      text_(new TextChoice(tr("Text to evaluate on"), this)), context_(new QSpinBox(this)),
      keeps_(new QCheckBox(tr("Keep what the original predicts"), this)),
      tasks_(new QListWidget(this)) {
    onText_->setChecked(suggested.onText);
    text_->setPath(suggested.text);
    context_->setRange(0, kMostContext);
    context_->setSingleStep(512);
    context_->setSpecialValueText(tr("2048, or what the model has"));
    context_->setValue(suggested.context);
    context_->setAccessibleName(tr("Context"));
    context_->setToolTip(tr("Tokens of a window; perplexities compare at the same context only"));
    keeps_->setChecked(suggested.keepsReference);
    keeps_->setToolTip(tr("The original runs once for a text, however many compressed models are "
                          "compared with it. Takes 4.4 KiB a token on disk. The error through the "
                          "depth is measured only when the original runs."));
    auto* form = new QFormLayout(this);
    form->setContentsMargins(0, 0, 0, 0);
    form->setHorizontalSpacing(kSpaceLarge);
    form->setVerticalSpacing(kSpaceSmall);
    form->setLabelAlignment(Qt::AlignLeft | Qt::AlignTop);
    form->addRow(onText_);
    form->addRow(tr("Text"), text_);
    form->addRow(tr("Context"), context_);
    form->addRow(QString(), keeps_);
    form->addRow(tr("Questions"), makeTasks());
    addTasks(suggested.tasks);
    for (const QCheckBox* box : {onText_, keeps_}) {
        connect(box, &QCheckBox::toggled, this, &EvaluateForm::update);
    }
    connect(text_, &TextChoice::changed, this, &EvaluateForm::update);
    connect(context_, &QSpinBox::valueChanged, this, &EvaluateForm::update);
    update();
}

QWidget* EvaluateForm::makeTasks() {
    auto* page = new QWidget(this);
    tasks_->setAccessibleName(tr("Files of questions"));
    tasks_->setToolTip(tr("Multiple-choice questions, one JSON object a line: PIQA, ARC, "
                          "HellaSwag, WinoGrande, or your own"));
    tasks_->setFixedHeight(kTasksHeight);
    tasks_->setSelectionMode(QAbstractItemView::ExtendedSelection);
    auto* add = new QPushButton(tr("Add…"), page);
    add->setAccessibleName(tr("Add files of questions"));
    remove_ = new QPushButton(tr("Remove"), page);
    remove_->setAccessibleName(tr("Remove the selected files of questions"));
    remove_->setEnabled(false);
    auto* buttons = new QVBoxLayout;
    buttons->setSpacing(kSpaceTiny);
    buttons->addWidget(add);
    buttons->addWidget(remove_);
    buttons->addStretch(1);
    auto* layout = new QHBoxLayout(page);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(tasks_, 1);
    layout->addLayout(buttons);
    connect(add, &QPushButton::clicked, this, &EvaluateForm::chooseTasks);
    connect(remove_, &QPushButton::clicked, this, &EvaluateForm::removeTasks);
    connect(tasks_, &QListWidget::itemSelectionChanged, this,
            [this] { remove_->setEnabled(!tasks_->selectedItems().isEmpty()); });
    return page;
}

EvaluateSettings EvaluateForm::settings() const {
    EvaluateSettings settings;
    settings.onText = onText_->isChecked();
    settings.text = settings.onText ? text_->path() : QString();
    settings.context = context_->value();
    settings.keepsReference = keeps_->isChecked();
    for (int row = 0; row < tasks_->count(); ++row) {
        settings.tasks.append(tasks_->item(row)->toolTip());
    }
    return settings;
}

bool EvaluateForm::isSound() const {
    return onText_->isChecked() ? text_->sound() : tasks_->count() > 0;
}

void EvaluateForm::addTasks(const QStringList& files) {
    for (const QString& file : files) {
        if (!settings().tasks.contains(file)) {
            auto* item = new QListWidgetItem(QFileInfo(file).fileName(), tasks_);
            item->setToolTip(file);
        }
    }
    update();
}

void EvaluateForm::chooseTasks() {
    auto* dialog = new QFileDialog(this, tr("Files of questions"), QString(),
                                   tr("Questions (*.jsonl *.json);;All files (*)"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFiles);
    connect(dialog, &QFileDialog::filesSelected, this, &EvaluateForm::addTasks);
    dialog->open();
}

void EvaluateForm::removeTasks() {
    qDeleteAll(tasks_->selectedItems());
    update();
}

void EvaluateForm::update() {
    for (QWidget* part : {static_cast<QWidget*>(text_), static_cast<QWidget*>(context_),
                          static_cast<QWidget*>(keeps_)}) {
        part->setEnabled(onText_->isChecked());
    }
    Q_EMIT changed();
}

} // namespace caldera::studio
