// Shows the key of a host, for a person to compare.
#pragma once

#include <QDialog>
#include <QStringList>

class QVBoxLayout;

namespace caldera::studio {

struct SshEndpoint;

class HostKeyDialog : public QDialog {
    Q_OBJECT
public:
    /// `hostKeys` are what `host` shows now; `isChanged`: others than these were confirmed before.
    /// Enter cancels: nobody accepts a key unawares.
    HostKeyDialog(const SshEndpoint& host, const QStringList& hostKeys, bool isChanged,
                  QWidget* parent = nullptr);

private:
    void addKeys(QVBoxLayout* layout, const QStringList& hostKeys);
    /// The command that prints the same on the host.
    void addCommand(QVBoxLayout* layout, const QString& hostKey);
    void addButtons(QVBoxLayout* layout);
};

} // namespace caldera::studio
