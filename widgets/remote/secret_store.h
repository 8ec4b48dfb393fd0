// API keys and tokens: in the system's keyring, or in memory where there is none. Never elsewhere.
#pragma once

#include <chrono>

#include <QFuture>
#include <QHash>
#include <QObject>
#include <QString>

namespace QKeychain { // NOLINT(readability-identifier-naming): as the library is called
class Job;
}

namespace caldera::studio {

/// Names of secrets, as environment variables and .env files call them.
inline constexpr char16_t kRunpodKeyName[] = u"RUNPOD_API_KEY";
inline constexpr char16_t kHubTokenName[] = u"HF_TOKEN";

enum class SecretPlace {
    Keyring, ///< survives the studio
    Session  ///< gone when the studio ends
};

/// Reads and writes secrets without blocking. A secret that is written is read back before it
/// counts as kept; where the keyring is absent, refuses or does not answer in time, the secret
/// stays in memory for this session and complaint() says why. Nothing is ever written to a file of
/// ours, a log or a command line.
class SecretStore : public QObject {
    Q_OBJECT
public:
    /// Long enough for a person who is asked to unlock the keyring.
    static constexpr std::chrono::milliseconds kPatience{120'000};

    explicit SecretStore(QObject* parent = nullptr, std::chrono::milliseconds patience = kPatience);

    /// Where the secret now is. Fails with Error("secret.malformed") for text that is no key.
    /// `place` Session never asks the keyring.
    QFuture<SecretPlace> write(const QString& name, const QString& value,
                               SecretPlace place = SecretPlace::Keyring);
    /// The secret, or an empty text where there is none.
    QFuture<QString> read(const QString& name);
    /// Forgets it everywhere. Fails with Error("secret.keyring") where the keyring refuses.
    QFuture<void> remove(const QString& name);

    /// What the keyring said when it last failed; empty when it works or was not asked.
    const QString& complaint() const { return complaint_; }

Q_SIGNALS:
    /// A secret was written or removed.
    void changed(const QString& name);

private:
    /// Starts a job of the keyring; the future holds its sentence of failure, empty when it did
    /// what was asked or found nothing.
    QFuture<QString> ask(QKeychain::Job* job, const QString& name);
    void keepForSession(const QString& name, const QString& value);

    std::chrono::milliseconds patience_;
    QHash<QString, QString> session_;
    QString complaint_;
};

/// Throws Error("secret.malformed") unless `value` can be a key: 8 to 512 printable ASCII
/// characters without spaces. The sentence names the secret, never its value.
void checkSecret(const QString& name, const QString& value);

} // namespace caldera::studio
