// The targets that this user has made, each in a file of its own; files are touched on a thread of
// their own.
#pragma once

#include <optional>

#include <QHash>
#include <QList>
#include <QObject>
#include <QThreadPool>

#include "widgets/remote/target.h"

namespace caldera::studio {

class TargetStore : public QObject {
    Q_OBJECT
public:
    /// `folder` holds the files; it is made when the first target is saved.
    explicit TargetStore(QString folder, QObject* parent = nullptr);
    ~TargetStore() override;

    /// By name; this machine is not among them.
    const QList<Target>& targets() const { return targets_; }
    std::optional<Target> find(const QString& name) const;
    /// Whether the files that were there at the start have been read.
    bool ready() const { return ready_; }

    /// Replaces the one of `before`, when given, else the one of the same name.
    void save(const Target& target, const QString& before = {});
    void remove(const QString& name);

Q_SIGNALS:
    void changed();
    /// A file could not be read, written or removed.
    void failed(const QString& sentence);

private:
    struct Found;

    void load();
    void take(const Found& found);
    /// The file that holds it, or that will.
    QString fileOf(const QString& name) const;
    void inBackground(std::function<void()> work);

    QString folder_;
    QList<Target> targets_;
    QHash<QString, QString> files_; ///< by targets' names: people may call them otherwise
    bool ready_ = false;
    QThreadPool pool_; ///< of one thread: in the order of the calls
};

/// What is wrong with a target that a person entered; empty when nothing is.
QString targetComplaint(const Target& target);

} // namespace caldera::studio
