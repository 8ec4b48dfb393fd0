// Rented pods in the window: finds them again after a start, and the dialog that sets renting up.
#pragma once

#include <QObject>

#include "widgets/remote/pod_service.h"
#include "widgets/remote/secret_store.h"

namespace caldera::studio {

class PodActions : public QObject {
    Q_OBJECT
public:
    /// `records`: folder of what was rented. `api`: address of the provider.
    PodActions(const QString& records, const QUrl& api, QWidget& window);
    ~PodActions() override;

    /// Asks the keyring for the key only when something rented is not over yet.
    void findRented();
    void showDialog();
    PodService& service() { return service_; }
    SecretStore& secrets() { return secrets_; }

private:
    std::unique_ptr<PodProvider> connectWith(const QString& key) const;
    void useKey(const QString& key);

    QWidget& window_;
    QString records_;
    QUrl api_;
    SecretStore secrets_;
    PodService service_;
    QString key_; ///< that the service works with
};

} // namespace caldera::studio
