#include "widgets/models/recent_items.h"

#include <QSettings>

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
const QString& arrayKey() {
    static const QString key = u"recent"_s;
    return key;
}
} // namespace

RecentItems::RecentItems(QObject* parent) : QObject(parent) {
    QSettings settings;
    const int count = qMin(settings.beginReadArray(arrayKey()), kLimit);
    for (int index = 0; index < count; ++index) {
        settings.setArrayIndex(index);
        RecentItem item;
        item.path = settings.value(u"path"_s).toString();
        item.name = settings.value(u"name"_s).toString();
        item.artifact = settings.value(u"artifact"_s).toBool();
        item.bytes = settings.value(u"bytes"_s).toLongLong();
        item.bitsPerWeight = settings.value(u"bitsPerWeight"_s).toDouble();
        item.layers = settings.value(u"layers"_s).toInt();
        item.opened = settings.value(u"opened"_s).toDateTime();
        item.picture = settings.value(u"picture"_s).toByteArray();
        if (!item.path.isEmpty()) {
            items_.append(item);
        }
    }
}

void RecentItems::add(const RecentItem& item) {
    items_.removeIf([&item](const RecentItem& known) { return known.path == item.path; });
    items_.prepend(item);
    while (items_.size() > kLimit) {
        items_.removeLast();
    }
    store();
}

void RecentItems::remove(const QString& path) {
    if (items_.removeIf([&path](const RecentItem& known) { return known.path == path; }) > 0) {
        store();
    }
}

void RecentItems::clear() {
    items_.clear();
    store();
}

void RecentItems::store() {
    QSettings settings;
    settings.remove(arrayKey());
    settings.beginWriteArray(arrayKey(), static_cast<int>(items_.size()));
    for (int index = 0; index < items_.size(); ++index) {
        const RecentItem& item = items_[index];
        settings.setArrayIndex(index);
        settings.setValue(u"path"_s, item.path);
        settings.setValue(u"name"_s, item.name);
        settings.setValue(u"artifact"_s, item.artifact);
        settings.setValue(u"bytes"_s, item.bytes);
        settings.setValue(u"bitsPerWeight"_s, item.bitsPerWeight);
        settings.setValue(u"layers"_s, item.layers);
        settings.setValue(u"opened"_s, item.opened);
        settings.setValue(u"picture"_s, item.picture);
    }
    settings.endArray();
    Q_EMIT changed();
}

} // namespace caldera::studio
