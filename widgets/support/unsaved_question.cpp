#include "widgets/support/unsaved_question.h"

#include <QCoreApplication>
#include <QMessageBox>
#include <QPushButton>

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

QString tr(const char* text) {
    return QCoreApplication::translate("UnsavedQuestion", text);
}

} // namespace

void askAboutUnsaved(QWidget& dialog, const UnsavedAnswers& answers) {
    const bool canSave = static_cast<bool>(answers.save);
    auto* question =
        new QMessageBox(QMessageBox::Question, dialog.windowTitle(),
                        tr(QT_TRANSLATE_NOOP("UnsavedQuestion", "What was typed is not saved.")),
                        QMessageBox::Save | QMessageBox::Discard | QMessageBox::Cancel, &dialog);
    question->setObjectName(u"unsavedQuestion"_s);
    question->setAttribute(Qt::WA_DeleteOnClose);
    question->setInformativeText(answers.obstacle);
    question->button(QMessageBox::Save)->setText(tr(QT_TRANSLATE_NOOP("UnsavedQuestion", "Save")));
    question->button(QMessageBox::Save)->setEnabled(canSave);
    question->button(QMessageBox::Discard)
        ->setText(tr(QT_TRANSLATE_NOOP("UnsavedQuestion", "Discard")));
    question->button(QMessageBox::Cancel)
        ->setText(tr(QT_TRANSLATE_NOOP("UnsavedQuestion", "Cancel")));
    question->setDefaultButton(canSave ? QMessageBox::Save : QMessageBox::Cancel);
    QObject::connect(question, &QMessageBox::finished, &dialog, [answers](int answer) {
        if (answer == QMessageBox::Save) {
            answers.save();
        } else if (answer == QMessageBox::Discard) {
            answers.discard();
        }
    });
    question->open();
}

} // namespace caldera::studio
