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
    /// Makes the contents for the chosen suffix ("png").
    using Contents = std::function<QByteArray(const QString& suffix)>;
    Contents contents{};     ///< on the GUI thread
    Contents inBackground{}; ///< in the place of `contents`, on another thread, from values alone
};

/// Asks for a name, then writes whole or not at all. A failure is said in a message beside
/// `parent`.
void saveFile(QWidget* parent, const SaveRequest& request);
/// The writing part: on another thread, to a temporary name that is renamed. `contents` is called
/// there.
void writeInBackground(QWidget* parent, const QString& path,
                       const std::function<QByteArray()>& contents);

} // namespace caldera::studio
