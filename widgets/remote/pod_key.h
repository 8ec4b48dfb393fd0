// The key pair with which one pod is logged in to.
#pragma once

#include <QFuture>
#include <QString>

namespace caldera::studio {

/// Makes FILE and FILE.pub by ssh-keygen, readable by their owner only, unless they are there; the
/// future holds the public line. Fails with Error("pod.login-key"). A key that opens one pod for a
/// few hours and is forgotten with it needs no passphrase.
QFuture<QString> makePodKey(const QString& file);
/// Removes both, on a thread of its own.
void forgetPodKey(const QString& file);

} // namespace caldera::studio
