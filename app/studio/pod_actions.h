// Rented pods in the window: finds them again after a start, rents for jobs, and the dialog that
// sets renting up.
#pragma once

#include <functional>

#include <QObject>

#include "app/studio/pod_market.h"
#include "widgets/pods/pod_settings.h"
#include "widgets/remote/pod_jobs.h"
#include "widgets/remote/pod_service.h"
#include "widgets/remote/secret_store.h"

namespace caldera::studio {

class PodChoice;

class PodActions : public QObject {
    Q_OBJECT
public:
    /// `records`: folder of what was rented. `jobs` must outlive it.
    PodActions(const QString& records, const PodMarket& market, JobService& jobs, QWidget& window);
    ~PodActions() override;

    /// Asks the keyring for the key only when something rented is not over yet.
    void findRented();
    void showDialog();
    /// Whether a person has chosen what may be rented.
    bool isSetUp() const;
    /// The choice of a pod for a launch, filled as soon as the provider has told what there is.
    /// `kind` of job, and the seconds that it takes on an H100 (negative: unknown).
    PodChoice* makeChoice(const PodWork& work, const QString& kind, double seconds,
                          QWidget* parent);
    /// Reads what hosts show the hub of models; `then` follows in any case.
    void readHubToken(const std::function<void()>& then);
    PodJobs& jobs() { return *jobs_; }
    PodService& service() { return service_; }
    SecretStore& secrets() { return secrets_; }

Q_SIGNALS:
    /// The person changed how pods are rented.
    void settingsChanged();
    /// Something may be rented and cost money, and the studio cannot look.
    void trouble(const QString& sentence);

private:
    using Failed = std::function<void(const Error&)>;

    std::unique_ptr<PodProvider> connectWith(const QString& key) const;
    void useKey(const QString& key);
    void tellUnseen(const Error& error);
    /// Calls `then` once a key is known.
    void withKey(const std::function<void()>& then, const Failed& failed);
    /// The same, once it is known as well where workers come from.
    void withProvider(const std::function<void()>& then, const Failed& failed);
    void fill(PodChoice& choice);
    PodRecord renewed(PodRecord record) const;

    QWidget& window_;
    QString records_;
    QUrl api_;
    SecretStore secrets_;
    PodService service_;
    PodDesk& desk_;
    PodJobs* jobs_;
    QString key_; ///< that the service works with
};

} // namespace caldera::studio
