#include "widgets/remote/remote_record.h"

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/format_version.h"

namespace caldera::studio {

namespace {

using Json = nlohmann::json;
constexpr const char* kFormat = "caldera-remote-job";
constexpr int kMajor = 1;
constexpr const char* kName = "remote.json";
constexpr size_t kLongestFile = 1 << 20;

RemoteRecord parse(const Json& json, const QString& origin) {
    RemoteRecord record;
    record.target =
        targetFromYaml(QByteArray::fromStdString(json.at("target").get<std::string>()), origin);
    record.folder = QString::fromStdString(json.at("folder").get<std::string>());
    for (const std::string& name : json.at("files").get<std::vector<std::string>>()) {
        record.files.append(QString::fromStdString(name));
    }
    record.model = QString::fromStdString(json.value("model", ""));
    record.plan = QString::fromStdString(json.value("plan", ""));
    record.started = json.at("started").get<bool>();
    record.verified = json.at("verified").get<bool>();
    record.podId = QString::fromStdString(json.value("pod", ""));
    return record;
}

} // namespace

bool isRemoteJob(const std::filesystem::path& folder) {
    std::error_code ignored;
    return std::filesystem::exists(folder / kName, ignored);
}

RemoteRecord readRemoteRecord(const std::filesystem::path& folder) {
    const std::filesystem::path file = folder / kName;
    try {
        const Json json = Json::parse(readTextFile(file, kLongestFile));
        const auto format = json.at("format").get<std::string>();
        const FormatFit fit = formatFit(format, kFormat, kMajor);
        if (fit == FormatFit::Newer) {
            throw Error("remote.newer",
                        file.string() + " has format " + format +
                            ", which is newer than this program. Install a newer Caldera Studio.");
        }
        if (fit == FormatFit::Foreign) {
            throw Error("remote.record", file.string() + " has the format \"" + format + "\".");
        }
        return parse(json, QString::fromStdString(file.string()));
    } catch (const Json::exception& error) {
        throw Error("remote.record",
                    file.string() + " is not readable: " + error.what() +
                        ". It was changed by hand or damaged; start the job again.",
                    {{"file", file.string()}});
    }
}

bool takeLoginOf(const std::filesystem::path& folder, const QList<Target>& targets) {
    RemoteRecord record = readRemoteRecord(folder);
    const SshEndpoint before = record.target.ssh;
    for (const Target& target : targets) {
        if (target.name == record.target.name && target.ssh.host == before.host &&
            target.ssh.port == before.port && target.ssh != before) {
            record.target.ssh = target.ssh;
            writeRemoteRecord(folder, record);
            return true;
        }
    }
    return false;
}

void writeRemoteRecord(const std::filesystem::path& folder, const RemoteRecord& record) {
    Json files = Json::array();
    for (const QString& name : record.files) {
        files.push_back(name.toStdString());
    }
    const Json json = {{"format", formatText(kFormat, kMajor)},
                       {"target", targetToYaml(record.target).toStdString()},
                       {"folder", record.folder.toStdString()},
                       {"files", files},
                       {"model", record.model.toStdString()},
                       {"plan", record.plan.toStdString()},
                       {"started", record.started},
                       {"verified", record.verified},
                       {"pod", record.podId.toStdString()}};
    writeFileAtomically(folder / kName, json.dump(2) + "\n");
}

} // namespace caldera::studio
