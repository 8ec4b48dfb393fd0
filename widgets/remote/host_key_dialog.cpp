#include "widgets/remote/host_key_dialog.h"

#include <QClipboard>
#include <QDialogButtonBox>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/remote/host_key.h"
#include "widgets/remote/ssh_endpoint.h"
#include "widgets/support/enter_key.h"
#include "widgets/support/icon_button.h"
#include "widgets/support/labels.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kWidth = 560;

ToneLabel* paragraph(const QString& text, Token tone, QWidget* parent) {
    auto* label = new ToneLabel(text, tone, parent);
    label->setWordWrap(true);
    return label;
}

/// Where sshd keeps a key of this type.
QString fileOf(const QString& hostKey) {
    const QString type = hostKey.section(u' ', 0, 0);
    const QString name = type.startsWith("ecdsa"_L1)     ? u"ecdsa"_s
                         : type.startsWith("ssh-rsa"_L1) ? u"rsa"_s
                                                         : u"ed25519"_s;
    return u"/etc/ssh/ssh_host_%1_key.pub"_s.arg(name);
}

} // namespace

HostKeyDialog::HostKeyDialog(const SshEndpoint& host, const QStringList& hostKeys, bool isChanged,
                             QWidget* parent)
    : QDialog(parent) {
    setObjectName(u"hostKeyDialog"_s);
    setWindowTitle(tr("Host key"));
    setMinimumWidth(kWidth);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceLarge, kSpaceHuge, kSpaceLarge);
    layout->setSpacing(kSpaceMedium);
    const QString place = host.port > 0 ? tr("%1, port %2,").arg(host.host).arg(host.port)
                                        : tr("%1, at the usual port,").arg(host.host);
    layout->addWidget(paragraph(isChanged ? tr("%1 shows another key than before.").arg(place)
                                          : tr("%1 shows this key for the first time.").arg(place),
                                isChanged ? Token::Warn : Token::Text, this));
    addKeys(layout, hostKeys);
    layout->addWidget(paragraph(tr("Compare it with what the machine itself or its owner says. If "
                                   "it differs, somebody sits in between. On the machine:"),
                                Token::Secondary, this));
    addCommand(layout, hostKeys.value(0));
    addButtons(layout);
}

void HostKeyDialog::addKeys(QVBoxLayout* layout, const QStringList& hostKeys) {
    for (const QString& key : hostKeys) {
        auto* print =
            new ToneLabel(key.section(u' ', 0, 0) + u'\n' + fingerprint(key), Token::Text, this);
        print->setFont(Theme::current().numberFont());
        print->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
        layout->addWidget(print);
    }
}

void HostKeyDialog::addCommand(QVBoxLayout* layout, const QString& hostKey) {
    auto* command = new QLineEdit("ssh-keygen -lf "_L1 + fileOf(hostKey), this);
    command->setReadOnly(true);
    command->setFont(Theme::current().numberFont());
    command->setAccessibleName(tr("Command that shows the key on the machine"));
    QToolButton* copy = iconButton(u"copy"_s, tr("Copy the command"), this);
    connect(copy, &QToolButton::clicked, command,
            [command] { QGuiApplication::clipboard()->setText(command->text()); });
    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceTiny);
    line->addWidget(command, 1);
    line->addWidget(copy);
    layout->addLayout(line);
}

void HostKeyDialog::addButtons(QVBoxLayout* layout) {
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    buttons->addButton(tr("It is the same"), QDialogButtonBox::YesRole);
    QPushButton* cancel = buttons->button(QDialogButtonBox::Cancel);
    cancel->setText(tr("Cancel"));
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    layout->addWidget(buttons);
    setEnterButton(*this, cancel);
    cancel->setFocus();
}

} // namespace caldera::studio
