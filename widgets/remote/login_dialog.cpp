#include "widgets/remote/login_dialog.h"

#include <QDialogButtonBox>
#include <QLineEdit>
#include <QPointer>
#include <QPushButton>
#include <QVBoxLayout>

#include "widgets/remote/login_prompts.h"
#include "widgets/support/labels.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {
constexpr int kWidth = 440;
}

LoginDialog::LoginDialog(const QString& place, const QString& question, QWidget* parent)
    : QDialog(parent), edit_(new QLineEdit(this)) {
    setObjectName(u"loginDialog"_s);
    setWindowTitle(tr("Log in at %1").arg(place));
    setMinimumWidth(kWidth);
    auto* words = new ToneLabel(question, Token::Text, this);
    words->setWordWrap(true);
    words->setTextFormat(Qt::PlainText); // it comes from another machine
    auto* note = new ToneLabel(tr("It is passed to ssh and kept nowhere. A key in the agent is "
                                  "asked for once a session."),
                               Token::Secondary, this);
    note->setWordWrap(true);
    edit_->setEchoMode(QLineEdit::Password);
    edit_->setAccessibleName(tr("Answer"));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    buttons->addButton(tr("Log in"), QDialogButtonBox::AcceptRole)->setDefault(true);
    buttons->button(QDialogButtonBox::Cancel)->setText(tr("Cancel"));
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceLarge, kSpaceHuge, kSpaceLarge);
    layout->setSpacing(kSpaceMedium);
    layout->addWidget(words);
    layout->addWidget(edit_);
    layout->addWidget(note);
    layout->addWidget(buttons);
}

QString LoginDialog::text() const {
    return edit_->text();
}

void askForLogin(LoginPrompts& prompts, int number, const QString& place, const QString& question,
                 QWidget* parent) {
    auto* dialog = new LoginDialog(place, question, parent);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    QObject::connect(dialog, &QDialog::finished, &prompts, [&prompts, dialog, number](int result) {
        prompts.answer(number,
                       result == QDialog::Accepted ? std::optional(dialog->text()) : std::nullopt);
    });
    dialog->open();
}

} // namespace caldera::studio
