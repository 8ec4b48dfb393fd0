// Writing what a view exports: a dialog that does not block, and a write on another thread.
#pragma once

#include <QByteArray>
#include <QString>
#include <QStringList>

#include <functional>

class QWidget;

namespace caldera::studio {

struct SaveRequest {
    QString title;
    QString suggestedName; ///< with suffix
    QStringList filters;   ///< "PNG image (*.png)"; the first is chosen
    /// Makes the contents for the chosen suffix ("png"), on the GUI thread.
    std::function<QByteArray(const QString& suffix)> contents;
};

/// Asks for a name, then writes whole or not at all. A failure is said in a message beside
/// `parent`.
void saveFile(QWidget* parent, const SaveRequest& request);
/// The writing part: on another thread, to a temporary name that is renamed.
void writeInBackground(QWidget* parent, const QString& path, const QByteArray& contents);

} // namespace caldera::studio
