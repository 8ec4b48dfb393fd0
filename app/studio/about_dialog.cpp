#include "app/studio/about_dialog.h"

#include <QDialogButtonBox>
#include <QFile>
#include <QLabel>
#include <QPushButton>
#include <QTextBrowser>
#include <QVBoxLayout>

#include "widgets/support/labels.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

AboutDialog::AboutDialog(QWidget* parent) : QDialog(parent) {
    setWindowTitle(tr("About Caldera Studio"));
    setMinimumSize(640, 520);
    auto* picture = new QLabel(this);
    picture->setPixmap(icon(u"caldera-studio"_s).pixmap(56, 56));
    auto* name = titleLabel(tr("Caldera Studio"), this);
    auto* version = new ToneLabel(tr("Version %1").arg(QStringLiteral(CALDERA_VERSION)),
                                  Token::Secondary, this);
    auto* purpose = new ToneLabel(tr("Makes large language models fit one graphics card, and says "
                                     "by measured numbers what was lost."),
                                  Token::Text, this);
    purpose->setWordWrap(true);
    auto* words = new QVBoxLayout;
    words->setSpacing(kSpaceTiny);
    words->addWidget(name);
    words->addWidget(version);
    words->addWidget(purpose);
    auto* head = new QHBoxLayout;
    head->setSpacing(kSpaceLarge);
    head->addWidget(picture, 0, Qt::AlignTop);
    head->addLayout(words, 1);

    auto* licences = new QTextBrowser(this);
    licences->setAccessibleName(tr("Licences"));
    licences->setFrameShape(QFrame::NoFrame);
    QFile file(u":/LICENSES/third-party.md"_s);
    if (file.open(QIODevice::ReadOnly)) {
        licences->setMarkdown(QString::fromUtf8(file.readAll()));
    }
    auto* buttons = new QDialogButtonBox(this);
    buttons->addButton(tr("Close"), QDialogButtonBox::RejectRole);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceHuge, kSpaceHuge, kSpaceLarge);
    layout->setSpacing(kSpaceLarge);
    layout->addLayout(head);
    layout->addWidget(licences, 1);
    layout->addWidget(buttons);
}

} // namespace caldera::studio
