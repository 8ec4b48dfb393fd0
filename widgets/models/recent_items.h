// The models and artifacts that were open before, with a small picture of their heatmap.
#pragma once

#include <QByteArray>
#include <QDateTime>
#include <QList>
#include <QObject>
#include <QString>

namespace caldera::studio {

struct RecentItem {
    QString path;
    QString name;
    bool artifact = false;
    qint64 bytes = 0;
    double bitsPerWeight = 0;
    int layers = 0;
    QDateTime opened;
    /// One byte per cell, module by module: 0 calm .. 254 fragile, 255 unmeasured.
    QByteArray picture;
    bool operator==(const RecentItem&) const = default;
};

/// Kept in the settings, newest first.
class RecentItems : public QObject {
    Q_OBJECT
public:
    static constexpr int kLimit = 12;

    explicit RecentItems(QObject* parent = nullptr);
    const QList<RecentItem>& items() const { return items_; }
    /// Puts the item first; replaces the one with the same path.
    void add(const RecentItem& item);
    void remove(const QString& path);
    void clear();

Q_SIGNALS:
    void changed();

private:
    void store();
    QList<RecentItem> items_;
};

} // namespace caldera::studio
