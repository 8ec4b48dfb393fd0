// Shows the key of a host, for a person to compare.
#pragma once

#include <QDialog>
#include <QStringList>

namespace caldera::studio {

class HostKeyDialog : public QDialog {
    Q_OBJECT
public:
    /// `isChanged`: another key than this one was confirmed before.
    HostKeyDialog(const QString& host, const QStringList& hostKeys, bool isChanged,
                  QWidget* parent = nullptr);
};

} // namespace caldera::studio
