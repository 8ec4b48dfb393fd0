#include "widgets/pods/secret_line.h"

#include <utility>

#include <QHBoxLayout>
#include <QLineEdit>
#include <QPushButton>
#include <QVBoxLayout>

#include "widgets/remote/when_done.h"
#include "widgets/support/labels.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

SecretLine::SecretLine(SecretStore& secrets, const QString& name, Words words, QWidget* parent)
    : QWidget(parent), secrets_(secrets), name_(name), words_(std::move(words)),
      edit_(new QLineEdit(this)), state_(new ToneLabel({}, Token::Secondary, this)) {
    edit_->setEchoMode(QLineEdit::Password);
    edit_->setPlaceholderText(words_.label);
    edit_->setAccessibleName(words_.label);
    state_->setWordWrap(true);
    auto* button = new QPushButton(tr("Save"), this);
    button->setAccessibleName(tr("Save: %1").arg(words_.label));
    button->setEnabled(false);
    connect(edit_, &QLineEdit::textChanged, button,
            [button](const QString& text) { button->setEnabled(!text.trimmed().isEmpty()); });
    connect(edit_, &QLineEdit::returnPressed, this, [this] { save(edit_->text().trimmed()); });
    connect(button, &QPushButton::clicked, this, [this] { save(edit_->text().trimmed()); });
    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceSmall);
    line->addWidget(edit_, 1);
    line->addWidget(button);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceTiny);
    layout->addLayout(line);
    layout->addWidget(state_);
}

bool SecretLine::isTyped() const {
    return !edit_->text().trimmed().isEmpty();
}

void SecretLine::read() {
    state_->setText(tr("Asking the keyring…"));
    whenDone(
        secrets_.read(name_), this,
        [this](const QString& value) {
            state_->setText(value.isEmpty() ? words_.missing : words_.known);
            if (!value.isEmpty())
                Q_EMIT known(value);
        },
        [this](const Error& error) {
            state_->setText(words_.missing);
            Q_EMIT failed(error);
        });
}

void SecretLine::save(const QString& value) {
    if (value.isEmpty())
        return;
    const QString before = state_->text();
    state_->setText(tr("Writing it into the keyring…"));
    whenDone(
        secrets_.write(name_, value), this,
        [this, value](SecretPlace place) {
            edit_->clear();
            state_->setText(
                place == SecretPlace::Keyring
                    ? words_.known
                    : tr("%1 It is kept until the studio ends.").arg(secrets_.complaint()));
            Q_EMIT known(value);
        },
        [this, before](const Error& error) {
            state_->setText(before);
            Q_EMIT failed(error);
        });
}

} // namespace caldera::studio
