// The public key that a host shows, before anybody logs in.
#pragma once

#include <stop_token>

#include <QString>
#include <QStringList>

#include "widgets/remote/ssh_endpoint.h"

namespace caldera::studio {

class Askpass;

/// The keys that the host shows now, as SshEndpoint::hostKeys keeps them; nothing about us is
/// sent to it. `askpass` serves jump hosts, which are logged in to; may be null. Throws
/// ConnectionError, Error("remote.jump-key"), Cancelled.
QStringList probeHostKeys(const SshEndpoint& endpoint, Askpass* askpass,
                          const std::stop_token& stop);

/// "SHA256:…" as ssh and providers print it; empty for what is no key.
QString fingerprint(const QString& hostKey);

} // namespace caldera::studio
