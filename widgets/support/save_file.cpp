#include "widgets/support/save_file.h"

#include <QFileDialog>
#include <QFileInfo>
#include <QFuture>
#include <QMessageBox>
#include <QPointer>
#include <QSaveFile>
#include <QtConcurrentRun>

namespace caldera::studio {

namespace {

/// "png" out of "PNG image (*.png)".
QString suffixOf(const QString& filter) {
    const qsizetype from = filter.lastIndexOf(u'.') + 1;
    return filter.mid(from, filter.size() - from - 1);
}

} // namespace

void saveFile(QWidget* parent, const SaveRequest& request) {
    auto* dialog = new QFileDialog(parent, request.title);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setFileMode(QFileDialog::AnyFile);
    dialog->setNameFilters(request.filters);
    dialog->setDefaultSuffix(suffixOf(request.filters.first()));
    dialog->selectFile(request.suggestedName);
    QObject::connect(dialog, &QFileDialog::filterSelected, dialog, [dialog](const QString& filter) {
        dialog->setDefaultSuffix(suffixOf(filter));
    });
    QObject::connect(
        dialog, &QFileDialog::fileSelected, parent, [parent, request](const QString& path) {
            const QString suffix = QFileInfo(path).suffix().toLower();
            if (request.inBackground) {
                writeInBackground(parent, path,
                                  [work = request.inBackground, suffix] { return work(suffix); });
            } else {
                writeInBackground(parent, path,
                                  [bytes = request.contents(suffix)] { return bytes; });
            }
        });
    dialog->open();
}

void writeInBackground(QWidget* parent, const QString& path,
                       const std::function<QByteArray()>& contents) {
    QtConcurrent::run([path, contents]() -> QString {
        const QByteArray bytes = contents();
        QSaveFile file(path);
        if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size() ||
            !file.commit()) {
            return file.errorString();
        }
        return {};
    }).then(parent, [parent, path](const QString& problem) {
        if (problem.isEmpty()) {
            return;
        }
        auto* message = new QMessageBox(
            QMessageBox::Warning, QFileDialog::tr("Export"),
            QFileDialog::tr("Cannot write %1: %2. Choose another folder, or free some space.")
                .arg(path, problem),
            QMessageBox::Ok, parent);
        message->setAttribute(Qt::WA_DeleteOnClose);
        message->open();
    });
}

} // namespace caldera::studio
