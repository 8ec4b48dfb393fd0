#include "widgets/theme/icons.h"

#include <QFile>
#include <QIconEngine>
#include <QPainter>
#include <QPixmapCache>
#include <QSvgRenderer>

#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

/// Qt SVG renders currentColor black, so the colour is put into the text of the picture.
void drawIcon(QPainter& painter, const QString& name, const QColor& color, const QRectF& area) {
    QFile file(u":/icons/"_s + name + u".svg"_s);
    if (!file.open(QIODevice::ReadOnly)) {
        return;
    }
    QByteArray picture = file.readAll();
    picture.replace("currentColor", color.name().toLatin1());
    QSvgRenderer renderer(picture);
    renderer.setAspectRatioMode(Qt::KeepAspectRatio);
    renderer.render(&painter, area);
}

class LineIconEngine : public QIconEngine {
public:
    explicit LineIconEngine(QString name) : name_(std::move(name)) {}

    void paint(QPainter* painter, const QRect& area, QIcon::Mode mode,
               QIcon::State state) override {
        const qreal ratio = painter->device()->devicePixelRatio();
        const int side = qMin(area.width(), area.height());
        const QPixmap picture = iconPixmap(name_, colorFor(mode, state), side, ratio);
        painter->drawPixmap(area.x() + (area.width() - side) / 2,
                            area.y() + (area.height() - side) / 2, picture);
    }

    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
        return iconPixmap(name_, colorFor(mode, state), qMin(size.width(), size.height()), 1);
    }

    QPixmap scaledPixmap(const QSize& size, QIcon::Mode mode, QIcon::State state,
                         qreal ratio) override {
        const int side = qRound(qMin(size.width(), size.height()) / ratio);
        return iconPixmap(name_, colorFor(mode, state), side, ratio);
    }

    QIconEngine* clone() const override { return new LineIconEngine(name_); }
    bool isNull() override { return false; }

private:
    static QColor colorFor(QIcon::Mode mode, QIcon::State state) {
        const Theme& theme = Theme::current();
        if (mode == QIcon::Disabled) {
            return theme.color(Token::Disabled);
        }
        if (mode == QIcon::Selected) {
            return theme.color(Token::OnAccent);
        }
        return theme.color(state == QIcon::On ? Token::Accent : Token::Text);
    }

    QString name_;
};

} // namespace

QIcon icon(const QString& name) {
    return QIcon(new LineIconEngine(name));
}

QPixmap iconPixmap(const QString& name, const QColor& color, int size, qreal devicePixelRatio) {
    const QString key =
        u"icon/%1/%2/%3/%4"_s.arg(name, color.name()).arg(size).arg(devicePixelRatio);
    QPixmap picture;
    if (QPixmapCache::find(key, &picture)) {
        return picture;
    }
    picture = QPixmap(QSize(size, size) * devicePixelRatio);
    picture.setDevicePixelRatio(devicePixelRatio);
    picture.fill(Qt::transparent);
    QPainter painter(&picture);
    drawIcon(painter, name, color, QRectF(0, 0, size, size));
    painter.end();
    QPixmapCache::insert(key, picture);
    return picture;
}

} // namespace caldera::studio
