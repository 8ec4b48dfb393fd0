#include "widgets/remote/secret_store.h"

#include <algorithm>
#include <memory>

#include <QPointer>
#include <QPromise>
#include <QTimer>
#include <qt6keychain/keychain.h>

#include "core/base/error.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr qsizetype kShortest = 8;
constexpr qsizetype kLongest = 512;

QString service() {
    return u"caldera-studio"_s;
}

QString sentenceOf(const QKeychain::Job& job) {
    switch (job.error()) {
    case QKeychain::NoError:
    case QKeychain::EntryNotFound:
        return {};
    case QKeychain::NoBackendAvailable:
        return SecretStore::tr("This desktop has no keyring.");
    case QKeychain::AccessDenied:
    case QKeychain::AccessDeniedByUser:
        return SecretStore::tr("The keyring was not unlocked.");
    default:
        return SecretStore::tr("The keyring failed: %1").arg(job.errorString());
    }
}

} // namespace

SecretStore::SecretStore(QObject* parent, std::chrono::milliseconds patience)
    : QObject(parent), patience_(patience) {}

QFuture<QString> SecretStore::ask(QKeychain::Job* job, const QString& name) {
    const auto promise = std::make_shared<QPromise<QString>>();
    promise->start();
    const auto answer = [promise](const QString& sentence) {
        if (promise->future().isFinished())
            return; // it came after the patience was over
        promise->addResult(sentence);
        promise->finish();
    };
    job->setKey(name);
    connect(job, &QKeychain::Job::finished, this,
            [answer](QKeychain::Job* done) { answer(sentenceOf(*done)); });
    QTimer::singleShot(patience_, this, [answer] { answer(tr("The keyring does not answer.")); });
    job->start();
    return promise->future();
}

QFuture<SecretPlace> SecretStore::write(const QString& name, const QString& value,
                                        SecretPlace place) {
    try {
        checkSecret(name, value);
    } catch (const Error&) {
        return QtFuture::makeExceptionalFuture<SecretPlace>(std::current_exception());
    }
    if (place == SecretPlace::Session) {
        keepForSession(name, value);
        return QtFuture::makeReadyFuture(SecretPlace::Session);
    }
    auto* job = new QKeychain::WritePasswordJob(service());
    job->setTextData(value);
    // Some backends report success and keep nothing: only what can be read back is kept.
    return ask(job, name)
        .then(this,
              [this, name](const QString& failure) {
                  complaint_ = failure;
                  session_.remove(name);
                  return failure.isEmpty() ? read(name) : QtFuture::makeReadyFuture(QString());
              })
        .unwrap()
        .then(this, [this, name, value](const QString& found) {
            if (found == value) {
                Q_EMIT changed(name);
                return SecretPlace::Keyring;
            }
            if (complaint_.isEmpty())
                complaint_ = tr("The keyring did not give back what it was given.");
            keepForSession(name, value);
            return SecretPlace::Session;
        });
}

QFuture<QString> SecretStore::read(const QString& name) {
    if (session_.contains(name))
        return QtFuture::makeReadyFuture(session_.value(name));
    auto* job = new QKeychain::ReadPasswordJob(service());
    job->setAutoDelete(false); // its answer is taken after the signal
    const QPointer<QKeychain::ReadPasswordJob> kept = job;
    return ask(job, name).then(this, [this, kept](const QString& failure) {
        if (!failure.isEmpty())
            complaint_ = failure;
        if (kept.isNull())
            return QString();
        kept->deleteLater();
        return failure.isEmpty() ? kept->textData() : QString();
    });
}

QFuture<void> SecretStore::remove(const QString& name) {
    const bool onlyHere = session_.remove(name) > 0;
    return ask(new QKeychain::DeletePasswordJob(service()), name)
        .then(this, [this, name, onlyHere](const QString& failure) {
            Q_EMIT changed(name);
            // Where there is no keyring, forgetting it here was all there is to do.
            if (!failure.isEmpty() && !onlyHere)
                throw Error("secret.keyring",
                            tr("%1 could not be removed from the keyring. %2 Remove the entry "
                               "\"caldera-studio\" with the desktop's own keyring program.")
                                .arg(name, failure)
                                .toStdString());
        });
}

void SecretStore::keepForSession(const QString& name, const QString& value) {
    session_.insert(name, value);
    Q_EMIT changed(name);
}

void checkSecret(const QString& name, const QString& value) {
    const bool printable = std::all_of(value.begin(), value.end(), [](QChar letter) {
        return letter > u' ' && letter < char16_t{0x7f};
    });
    if (printable && value.size() >= kShortest && value.size() <= kLongest)
        return;
    throw Error("secret.malformed",
                SecretStore::tr("%1 was given %2 characters%3; %4 to %5 letters, digits and signs "
                                "without spaces were needed. Copy the key again.")
                    .arg(name)
                    .arg(value.size())
                    .arg(printable ? QString() : SecretStore::tr(" with others among them"))
                    .arg(kShortest)
                    .arg(kLongest)
                    .toStdString());
}

} // namespace caldera::studio
