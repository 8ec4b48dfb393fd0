// Brings the outline of a model that lies on another machine, so that it can be looked at and
// planned for here without its weights.
#pragma once

#include <functional>
#include <stop_token>

#include <QString>

#include "widgets/remote/model_fetch.h"
#include "widgets/remote/target.h"

namespace caldera::studio {

/// A model there and how it is reached.
struct ModelElsewhere {
    Target target;
    QString place; ///< a path there, or a name of the hub
    HubAccess hub;
};

/// Where outlines are kept on this machine.
QString outlinesFolder();

/// Whether a model that is open is one of them, by its path alone.
bool isKeptOutline(const QString& path);

struct FetchedOutline {
    QString folder; ///< below outlinesFolder()
    QString fingerprint;
};

/// A model of the hub that the machine
/// lacks is fetched by it first; `tell` hears its bytes that are there, of all. Logs in with the
/// agent and keys. Blocks. Throws ConnectionError, Error, Cancelled.
FetchedOutline fetchOutline(const ModelElsewhere& model,
                            const std::function<void(qint64, qint64)>& tell,
                            const std::stop_token& stop);

} // namespace caldera::studio
