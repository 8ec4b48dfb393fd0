#include "widgets/remote/host_key_dialog.h"

#include <QDialogButtonBox>
#include <QPushButton>
#include <QVBoxLayout>

#include "widgets/remote/host_key.h"
#include "widgets/support/labels.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kWidth = 560;

ToneLabel* paragraph(const QString& text, Token tone, QWidget* parent) {
    auto* label = new ToneLabel(text, tone, parent);
    label->setWordWrap(true);
    label->setTextFormat(Qt::PlainText);
    return label;
}

} // namespace

HostKeyDialog::HostKeyDialog(const QString& host, const QStringList& hostKeys, bool isChanged,
                             QWidget* parent)
    : QDialog(parent) {
    setObjectName(u"hostKeyDialog"_s);
    setWindowTitle(tr("Host key"));
    setMinimumWidth(kWidth);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceLarge, kSpaceHuge, kSpaceLarge);
    layout->setSpacing(kSpaceMedium);
    layout->addWidget(paragraph(isChanged ? tr("%1 shows another key than before.").arg(host)
                                          : tr("%1 shows this key for the first time.").arg(host),
                                isChanged ? Token::Warn : Token::Text, this));
    for (const QString& key : hostKeys) {
        auto* print =
            new ToneLabel(key.section(u' ', 0, 0) + u'\n' + fingerprint(key), Token::Text, this);
        print->setFont(Theme::current().numberFont());
        print->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
        layout->addWidget(print);
    }
    layout->addWidget(paragraph(tr("Compare it with what the machine itself or its owner says. On "
                                   "the machine: ssh-keygen -lf "
                                   "/etc/ssh/ssh_host_ed25519_key.pub\nIf it differs, somebody "
                                   "sits in between."),
                                Token::Secondary, this));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    buttons->addButton(tr("It is the same"), QDialogButtonBox::AcceptRole);
    buttons->button(QDialogButtonBox::Cancel)->setText(tr("Cancel"));
    buttons->button(QDialogButtonBox::Cancel)->setDefault(true);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    layout->addWidget(buttons);
}

} // namespace caldera::studio
