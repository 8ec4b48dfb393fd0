// Brings files home from a host: resumable, and proven by their SHA-256.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include <QString>
#include <QStringList>

namespace caldera::studio {

class SshSession;

/// Copies what is inside the folder `there` into `here`, which is its own, and compares hashes. A
/// file that arrives damaged is fetched anew, three times at most; one that the host tells no hash
/// of does not stay. `tell` hears the bytes that are here, of all.
struct VerifiedFetch {
    enum class Compare {
        Fetched, ///< the files that this run brought: enough while more will come
        All      ///< every file
    };

    const SshSession& session;
    QString there;
    std::filesystem::path here;
    Compare compare = Compare::All;
    std::function<void(qint64 done, qint64 total)> tell = {};

    /// Throws ConnectionError, Error("remote.fetch", "remote.corrupt"), Cancelled.
    void run(const std::stop_token& stop) const;

private:
    using Hashes = std::map<std::string, std::string>; ///< by names below the folder

    QStringList copy(const QStringList& options, const std::stop_token& stop) const;
    Hashes hashesThere(const QStringList& fetched, const std::stop_token& stop) const;
    std::string removeUnproven(const QStringList& fetched, const Hashes& hashes,
                               const std::stop_token& stop) const;
    qint64 bytesThere(const std::stop_token& stop) const;
    qint64 bytesHere() const;
    std::vector<std::string> namesHere() const;
};

} // namespace caldera::studio
