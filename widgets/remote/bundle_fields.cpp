#include "widgets/remote/bundle_fields.h"

#include <QCoreApplication>
#include <QFileDialog>
#include <QLineEdit>

#include "widgets/support/file_line.h"

namespace caldera::studio {

namespace {

QString tr(const char* text) {
    return QCoreApplication::translate("BundleFields", text);
}

} // namespace

FileLine* bundleLine(QWidget* parent) {
    auto* line = new FileLine(tr("Worker bundle"), parent);
    line->edit()->setPlaceholderText(tr("caldera-worker-….tar.gz"));
    line->edit()->setToolTip(tr("The caldera that works there, as packaging/make_bundle.sh makes "
                                "it; or the .sha256 that lies beside it"));
    QObject::connect(line, &FileLine::choosing, line, [](QFileDialog* dialog) {
        dialog->setNameFilters({tr("Worker bundles (*.tar.gz *.sha256)"), tr("All files (*)")});
    });
    return line;
}

QLineEdit* bundleUrlLine(QWidget* parent) {
    auto* line = new QLineEdit(parent);
    line->setPlaceholderText(tr("https://… (optional; else it is sent from here, once)"));
    line->setToolTip(tr("Where the same file is fetched from, which is faster"));
    line->setAccessibleName(tr("Address of the worker bundle"));
    return line;
}

} // namespace caldera::studio
