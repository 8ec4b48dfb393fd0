#include "widgets/remote/verified_fetch.h"

#include <algorithm>

#include <QProcess>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/pause.h"
#include "core/base/printable.h"
#include "widgets/remote/rsync_result.h"
#include "widgets/remote/ssh_session.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

namespace fs = std::filesystem;

constexpr int kAttempts = 3;
constexpr int kLookEvery = 200; // ms
constexpr auto kHashLimit = std::chrono::hours(12);
constexpr qsizetype kHashLength = 64;

/// rsync's for files that come, and ours for those that are on their way.
bool isOnItsWay(const fs::path& name) {
    return name.parent_path().filename() == ".partial" ||
           name.filename().string().find(".tmp-") != std::string::npos;
}

/// The host tells the names, and nothing outside of our folder is its business.
std::string insideName(std::string text) {
    const fs::path name(text);
    if (name.is_absolute() || std::find(name.begin(), name.end(), "..") != name.end()) {
        constexpr size_t kLongest = 200;
        throw Error("remote.fetch",
                    "The host names a file outside of the folder that is fetched: " +
                        printable(text, kLongest) +
                        ". It was not touched. Do not trust this host.");
    }
    return text;
}

std::vector<std::string> namesOf(const QStringList& files) {
    std::vector<std::string> names;
    for (const QString& file : files) {
        names.push_back(insideName(file.toStdString()));
    }
    return names;
}

void eachFile(const fs::path& folder, const std::function<void(const fs::directory_entry&)>& take) {
    std::error_code error;
    for (auto entry = fs::recursive_directory_iterator(folder, error);
         entry != fs::recursive_directory_iterator(); entry.increment(error)) {
        if (entry->is_regular_file(error)) {
            take(*entry);
        }
    }
}

/// Empty when the file is not there.
std::string hashOf(const fs::path& file, const std::stop_token& stop) {
    std::error_code error;
    if (!fs::is_regular_file(file, error)) {
        return {};
    }
    constexpr size_t kPiece = 16 << 20;
    const MappedFile map(file);
    Sha256 hash;
    for (auto rest = map.bytes(); !rest.empty();) {
        checkCancelled(stop);
        const auto piece = rest.first(std::min(kPiece, rest.size()));
        hash.update(piece);
        rest = rest.subspan(piece.size());
    }
    return hash.hex();
}

} // namespace

void VerifiedFetch::run(const std::stop_token& stop) const {
    fs::create_directories(here);
    for (int attempt = 1;; ++attempt) {
        // A damaged file may have the size and time of a whole one.
        const QStringList fetched =
            copy(attempt > 1 ? QStringList{u"--checksum"_s} : QStringList(), stop);
        const std::string damaged = removeUnproven(fetched, hashesThere(fetched, stop), stop);
        if (damaged.empty()) {
            return;
        }
        if (attempt == kAttempts) {
            throw Error("remote.corrupt",
                        (here / damaged).string() +
                            " arrived three times with another hash than it has on the host. A "
                            "disk or the memory of one of the machines is damaged.",
                        {{"file", (here / damaged).string()}});
        }
    }
}

/// The name of a file that is not as it is there; empty when there is none. What the host tells no
/// hash of is not proven, so it does not stay.
std::string VerifiedFetch::removeUnproven(const QStringList& fetched, const Hashes& hashes,
                                          const std::stop_token& stop) const {
    std::string unproven;
    const auto remove = [&](const fs::path& name) {
        std::error_code isFolder; // which has no bytes that could be wrong
        fs::remove(here / name, isFolder);
        unproven = name.string();
    };
    for (const auto& [name, hash] : hashes) {
        if (hashOf(here / name, stop) != hash) {
            remove(name);
        }
    }
    for (const std::string& name : compare == Compare::All ? namesHere() : namesOf(fetched)) {
        if (!hashes.contains(name)) {
            remove(name);
        }
    }
    return unproven;
}

/// The names of the files that came.
QStringList VerifiedFetch::copy(const QStringList& options, const std::stop_token& stop) const {
    const qint64 total = tell ? bytesThere(stop) : 0;
    const auto process =
        startProcess(session.fetchCall(there + u'/', QString::fromStdString(here.string()) + u'/',
                                       options + QStringList{u"--out-format=%n"_s}));
    process->closeWriteChannel();
    QByteArray names;
    const int code = awaitProcess(*process, kLookEvery, stop, [&] {
        names += process->readAllStandardOutput();
        if (tell) {
            tell(std::min(bytesHere(), total), total);
        }
    });
    const std::string words = rsyncReason(process->readAllStandardError(), code).toStdString();
    constexpr int kVanished = 24; // a file that was there when the list was made; it comes no more
    if (isConnectionCode(code)) {
        throw ConnectionError("The transfer broke: " + words);
    }
    if (code != 0 && code != kVanished) {
        throw Error("remote.fetch", "Files could not be fetched into " + here.string() + ": " +
                                        words + ". Is the disk full?");
    }
    names += process->readAllStandardOutput();
    QStringList fetched = QString::fromUtf8(names).split(u'\n', Qt::SkipEmptyParts);
    fetched.removeIf([](const QString& name) { return name.endsWith(u'/'); });
    return fetched;
}

VerifiedFetch::Hashes VerifiedFetch::hashesThere(const QStringList& fetched,
                                                 const std::stop_token& stop) const {
    QByteArray names;
    for (const QString& name : fetched) {
        names += "./" + name.toUtf8() + '\0';
    }
    const QString list =
        compare == Compare::All
            ? u"find . -type f ! -name '*.tmp-*' ! -path '*/.partial/*' -print0 |"_s
            : QString();
    if (compare == Compare::Fetched && fetched.isEmpty()) {
        return {};
    }
    // One of the files that were fetched alone may be gone there by now; of all, none may be.
    const ProcessResult result =
        session.run("cd "_L1 + shellWord(there) + " && "_L1 + list + " xargs -0 -r sha256sum --"_L1,
                    stop, names, kHashLimit);
    if (compare == Compare::All && result.exitCode != 0) {
        throw Error("remote.fetch", "The host could not tell the hashes of its files, so nothing "
                                    "proves what was fetched: " +
                                        lastLine(result.err).toStdString() +
                                        ". Mend it there, then resume.");
    }
    Hashes hashes;
    for (const QByteArray& line : result.out.split('\n')) {
        // "HASH  ./NAME"; names with line breaks, which ours never have, are escaped by it.
        constexpr qsizetype kName = kHashLength + 4;
        if (line.size() > kName && line.mid(kHashLength, 4) == "  ./") {
            hashes[insideName(line.mid(kName).toStdString())] =
                line.left(kHashLength).toStdString();
        }
    }
    return hashes;
}

qint64 VerifiedFetch::bytesThere(const std::stop_token& stop) const {
    const QByteArray text = session.require("du -sb "_L1 + shellWord(there), "remote.fetch", stop);
    return text.left(text.indexOf('\t')).toLongLong();
}

qint64 VerifiedFetch::bytesHere() const {
    qint64 bytes = 0;
    eachFile(here, [&bytes](const fs::directory_entry& file) {
        std::error_code gone;
        const auto size = file.file_size(gone);
        bytes += gone ? 0 : static_cast<qint64>(size);
    });
    return bytes;
}

/// Of the files that have come, below the folder.
std::vector<std::string> VerifiedFetch::namesHere() const {
    std::vector<std::string> names;
    eachFile(here, [&](const fs::directory_entry& file) {
        const fs::path name = file.path().lexically_relative(here);
        if (!isOnItsWay(name)) {
            names.push_back(name.string());
        }
    });
    return names;
}

} // namespace caldera::studio
