// What leaves a plot: values, pictures, drawings.
#include <QBuffer>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QGuiApplication>
#include <QMenu>
#include <QPdfWriter>
#include <QSvgGenerator>

#include "core/base/text.h"
#include "widgets/support/csv_field.h"
#include "widgets/support/plot.h"
#include "widgets/support/save_file.h"
#include "widgets/theme/icons.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

QString Plot::csv() const {
    QString text = u"curve,x,y\n"_s;
    for (const Curve& curve : curves_) {
        const QVector<double> y = curve.allValues ? curve.allValues() : curve.y;
        for (qsizetype at = 0; at < y.size(); ++at) {
            const double x = curve.allValues ? static_cast<double>(at + 1) : curve.x[at];
            text += csvField(curve.name) + u',' + QString::fromStdString(numberText(x)) + u',' +
                    QString::fromStdString(numberText(y[at])) + u'\n';
        }
    }
    return text;
}

QByteArray Plot::exported(const QString& suffix) {
    if (suffix == u"csv") {
        return csv().toUtf8();
    }
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    if (suffix == u"svg") {
        QSvgGenerator generator;
        generator.setOutputDevice(&buffer);
        generator.setSize(size());
        generator.setViewBox(rect());
        QCPPainter painter;
        painter.begin(&generator);
        toPainter(&painter, width(), height());
        painter.end();
    } else if (suffix == u"pdf") {
        QPdfWriter writer(&buffer);
        writer.setResolution(96);
        writer.setPageMargins(QMarginsF());
        writer.setPageSize(QPageSize(QSizeF(width(), height()) * 72 / 96, QPageSize::Point));
        QCPPainter painter;
        painter.begin(&writer);
        painter.setMode(QCPPainter::pmVectorized);
        toPainter(&painter, width(), height());
        painter.end();
    } else {
        toPixmap(width(), height(), 2).save(&buffer, "PNG");
    }
    return bytes;
}

void Plot::contextMenuEvent(QContextMenuEvent* event) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(icon(u"copy"_s), tr("Copy picture"), this, [this] {
        QGuiApplication::clipboard()->setPixmap(toPixmap(width(), height(), 2));
    });
    menu->addAction(tr("Copy values"), this,
                    [this] { QGuiApplication::clipboard()->setText(csv()); });
    menu->addSeparator();
    menu->addAction(icon(u"export"_s), tr("Export as PNG…"), this,
                    [this] { exportAs(u"png"_s, tr("PNG image (*.png)")); });
    menu->addAction(tr("Export as SVG…"), this,
                    [this] { exportAs(u"svg"_s, tr("SVG drawing (*.svg)")); });
    menu->addAction(tr("Export as PDF…"), this,
                    [this] { exportAs(u"pdf"_s, tr("PDF document (*.pdf)")); });
    menu->addAction(tr("Export as CSV…"), this,
                    [this] { exportAs(u"csv"_s, tr("Comma-separated values (*.csv)")); });
    menu->addSeparator();
    menu->addAction(icon(u"refresh"_s), tr("Show everything"), this, &Plot::showAll);
    menu->popup(event->globalPos());
}

void Plot::exportAs(const QString& suffix, const QString& filter) {
    saveFile(this, {tr("Export %1").arg(name_),
                    name_ + u'.' + suffix,
                    {filter},
                    [this](const QString& chosen) { return exported(chosen); }});
}

} // namespace caldera::studio
