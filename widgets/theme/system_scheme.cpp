#include "widgets/theme/system_scheme.h"

#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

const QString& service() {
    static const QString name = u"org.freedesktop.portal.Desktop"_s;
    return name;
}
const QString& objectPath() {
    static const QString path = u"/org/freedesktop/portal/desktop"_s;
    return path;
}
const QString& interfaceName() {
    static const QString name = u"org.freedesktop.portal.Settings"_s;
    return name;
}
const QString& settingGroup() {
    static const QString name = u"org.freedesktop.appearance"_s;
    return name;
}
const QString& settingKey() {
    static const QString name = u"color-scheme"_s;
    return name;
}

} // namespace

SystemScheme::SystemScheme(Scheme fallback, QObject* parent)
    : QObject(parent), fallback_(fallback) {
    if (qEnvironmentVariableIsEmpty("DBUS_SESSION_BUS_ADDRESS")) {
        return; // asking would start a bus
    }
    QDBusConnection bus = QDBusConnection::sessionBus();
    bus.connect(service(), objectPath(), interfaceName(), u"SettingChanged"_s, this,
                SLOT(onSettingChanged(QString, QString, QDBusVariant)));
    QDBusMessage question =
        QDBusMessage::createMethodCall(service(), objectPath(), interfaceName(), u"Read"_s);
    question << settingGroup() << settingKey();
    auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(question), this);
    connect(watcher, &QDBusPendingCallWatcher::finished, this, [this, watcher] {
        const QDBusPendingReply<QDBusVariant> reply = *watcher;
        if (!reply.isError()) {
            take(reply.value().variant());
        }
        watcher->deleteLater();
    });
}

void SystemScheme::onSettingChanged(const QString& group, const QString& key,
                                    const QDBusVariant& value) {
    if (group == settingGroup() && key == settingKey()) {
        take(value.variant());
    }
}

void SystemScheme::take(const QVariant& value) {
    // Older portals wrap the value twice.
    const QVariant inner = value.canConvert<QDBusVariant>() && value.userType() != QMetaType::UInt
                               ? value.value<QDBusVariant>().variant()
                               : value;
    const Scheme before = scheme();
    switch (inner.toUInt()) {
    case 1:
        portal_ = Scheme::Dark;
        break;
    case 2:
        portal_ = Scheme::Light;
        break;
    default:
        portal_.reset();
    }
    if (scheme() != before) {
        Q_EMIT changed();
    }
}

} // namespace caldera::studio
