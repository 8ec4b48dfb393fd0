// Brings a model from the hub to a host, which fetches it itself.
#pragma once

#include <functional>
#include <stop_token>

#include <QByteArray>
#include <QString>
#include <QStringList>

#include "widgets/remote/sent_script.h"

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

/// A model that a worker on a host wants to read.
struct WantedModel {
    QString name;
    QString worker; ///< there, a command, quoted
    QString cache;  ///< of Hugging Face, there (docs/pods.md)
    HubAccess hub;
};

/// Fetches the model into the cache there, where its name is one of the hub and the worker does not
/// find it: what is there is not asked for, and what is half there is gone on with. `tell` hears
/// the bytes that are there, of all. It goes on there after a stop or a broken connection;
/// endScripts() ends it. Throws ConnectionError, Error("remote.model") with the reason, Cancelled.
void fetchMissing(const HostSetUp& setUp, const WantedModel& model,
                  const std::function<void(qint64, qint64)>& tell);

} // namespace caldera::studio
