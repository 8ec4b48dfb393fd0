// Brings a model from the hub to a host, which fetches it itself.
#pragma once

#include <functional>
#include <stop_token>

#include <QByteArray>
#include <QString>
#include <QStringList>

namespace caldera::studio {

class SshSession;

/// The hub of models, and who asks it. Holds a secret, so it is never written anywhere.
struct HubAccess {
    QString url = QStringLiteral("https://huggingface.co");
    QByteArray token; ///< HF_TOKEN; empty: nobody
};

/// Whether this names a model of the hub: OWNER/NAME.
bool isHubName(const QString& name);

/// The models of the hub that a worker with these arguments reads.
QStringList hubModels(const QStringList& arguments);

/// Where a worker on the host looks for models of the hub.
QString hubCacheOf(const SshSession& session, const std::stop_token& stop);

/// Fetches the model there into the Hugging Face cache `cache` (docs/pods.md), unless it is there
/// already; what is half there is gone on with. `tell` hears the bytes that are there, of all.
/// Throws ConnectionError, Error("remote.model") with the reason, Cancelled.
void fetchModel(const SshSession& session, const QString& model, const QString& cache,
                const HubAccess& hub, const std::function<void(qint64, qint64)>& tell,
                const std::stop_token& stop);

/// The same, only where `model` is a name of the hub that the worker there (a command, quoted) does
/// not find: what is there is not asked for.
void fetchMissing(const SshSession& session, const QString& worker, const QString& model,
                  const QString& cache, const HubAccess& hub,
                  const std::function<void(qint64, qint64)>& tell, const std::stop_token& stop);

} // namespace caldera::studio
