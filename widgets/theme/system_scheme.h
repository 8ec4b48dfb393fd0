// Dark or light as the desktop wants it: the settings portal over D-Bus, else the palette.
#pragma once

#include <QDBusVariant>
#include <QObject>
#include <QString>

#include <optional>

#include "widgets/theme/theme.h"

namespace caldera::studio {

/// Asks the portal without waiting and listens for changes.
class SystemScheme : public QObject {
    Q_OBJECT
public:
    /// `fallback` counts until the portal answers, and when there is none.
    explicit SystemScheme(Scheme fallback, QObject* parent = nullptr);
    Scheme scheme() const { return portal_.value_or(fallback_); }

Q_SIGNALS:
    void changed();

private:
    /// D-Bus looks a receiver up by name, so this has to be a slot.
    Q_SLOT void onSettingChanged(const QString& group, const QString& key,
                                 const QDBusVariant& value);
    void take(const QVariant& value);

    Scheme fallback_;
    std::optional<Scheme> portal_;
};

} // namespace caldera::studio
