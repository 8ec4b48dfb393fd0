#include "widgets/plan_view/text_choice.h"

#include <QFileDialog>
#include <QFutureWatcher>
#include <QLineEdit>
#include <QToolButton>
#include <QVBoxLayout>
#include <QtConcurrentRun>

#include <exception>

#include "core/model/text_file.h"
#include "widgets/support/failure.h"
#include "widgets/support/icon_button.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

struct Finding {
    QString sentence;
    bool sound = false;
    qint64 bytes = -1;
};

/// Reads the file: not on the GUI thread.
Finding lookAt(const QString& path) {
    try {
        const std::string text = readUtf8File(path.toStdString());
        return {TextChoice::tr("%1 of text").arg(sizeText(static_cast<int64_t>(text.size()))),
                !text.empty(), static_cast<qint64>(text.size())};
    } catch (const std::exception& error) {
        return {describeFailure(error).sentence, false};
    }
}

} // namespace

TextChoice::TextChoice(const QString& title, QWidget* parent)
    : QWidget(parent), title_(title), path_(new QLineEdit(this)),
      finding_(new ToneLabel(QString(), Token::Secondary, this)) {
    path_->setPlaceholderText(tr("The text that comes with the program"));
    path_->setClearButtonEnabled(true);
    path_->setAccessibleName(title);
    path_->setToolTip(tr("A UTF-8 file; empty: the text that comes with the program"));
    QToolButton* choose = iconButton(u"file"_s, tr("Choose a file"), this);
    choose->setAccessibleName(tr("Choose a file for: %1").arg(title));
    finding_->setWordWrap(true);
    finding_->hide();
    auto* line = new QHBoxLayout;
    line->setSpacing(kSpaceTiny);
    line->addWidget(path_, 1);
    line->addWidget(choose);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceTiny);
    layout->addLayout(line);
    layout->addWidget(finding_);
    connect(choose, &QToolButton::clicked, this, &TextChoice::choose);
    connect(path_, &QLineEdit::textChanged, this, &TextChoice::look);
}

QString TextChoice::path() const {
    return path_->text().trimmed();
}

void TextChoice::setPath(const QString& path) {
    path_->setText(path);
}

QString TextChoice::finding() const {
    return finding_->text();
}

void TextChoice::choose() {
    auto* dialog = new QFileDialog(this, title_);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFile);
    connect(dialog, &QFileDialog::fileSelected, this, &TextChoice::setPath);
    dialog->open();
}

void TextChoice::setBuiltin(const QString& file) {
    builtin_ = file;
    look();
}

void TextChoice::look() {
    const int look = ++looks_;
    const bool isOwn = !path().isEmpty();
    const QString file = isOwn ? path() : builtin_;
    bytes_ = -1;
    show({}, !isOwn); // a file is sound once it was read
    if (file.isEmpty()) {
        return;
    }
    auto* watcher = new QFutureWatcher<Finding>(this);
    connect(watcher, &QFutureWatcher<Finding>::finished, this, [this, watcher, look, isOwn] {
        watcher->deleteLater();
        if (look == looks_) {
            const Finding found = watcher->result();
            bytes_ = found.bytes;
            show(isOwn ? found.sentence : QString(), !isOwn || found.sound);
        }
    });
    watcher->setFuture(QtConcurrent::run(lookAt, file));
}

void TextChoice::show(const QString& sentence, bool sound) {
    sound_ = sound;
    finding_->setText(sentence);
    finding_->setTone(sound ? Token::Secondary : Token::Bad);
    finding_->setVisible(!sentence.isEmpty());
    Q_EMIT changed();
}

} // namespace caldera::studio
