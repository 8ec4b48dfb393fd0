#include "core/artifact/manifest.h"

#include <nlohmann/json.hpp>

#include "core/artifact/json_format.h"
#include "core/artifact/layout.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/format_version.h"
#include "core/base/hash.h"
#include "core/base/json_text.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

constexpr size_t kMaxManifestBytes = 256U << 20;

std::string ownFormat() {
    return formatText(kArtifactFormat, kArtifactMajor);
}

Json toJson(const Manifest& m) {
    Json files = Json::object();
    for (const auto& [name, file] : m.files) {
        files[name] = {{"bytes", file.bytes}, {"sha256", file.sha256}};
    }
    Json tensors = Json::object();
    for (const auto& [name, tensor] : m.tensors) {
        tensors[name] = {{"file", tensor.file},
                         {"dtype", tensor.dtype},
                         {"shape", tensor.shape},
                         {"sha256", tensor.sha256}};
    }
    return {{"format", ownFormat()},
            {"artifact_hash", m.artifactHash()},
            {"name", m.name},
            {"model", {{"fingerprint", m.modelFingerprint}}},
            {"chat", {{"format", m.chatFormat}, {"system", m.chatSystem}}},
            {"codec_tables", m.codecTables},
            {"files", files},
            {"tensors", tensors},
            {"sizes",
             {{"cell_bytes", m.sizes.cellBytes},
              {"embedding_bytes", m.sizes.embeddingBytes},
              {"other_bytes", m.sizes.otherBytes},
              {"bits_per_weight", m.sizes.bitsPerWeight}}},
            {"created", m.created},
            {"program", m.program}};
}

Manifest fromJson(const Json& json) {
    Manifest m;
    json.at("name").get_to(m.name);
    json.at("model").at("fingerprint").get_to(m.modelFingerprint);
    json.at("chat").at("format").get_to(m.chatFormat);
    json.at("chat").at("system").get_to(m.chatSystem);
    json.at("codec_tables").get_to(m.codecTables);
    for (const auto& [name, file] : json.at("files").items()) {
        m.files[name] = {file.at("bytes").get<int64_t>(), file.at("sha256").get<std::string>()};
    }
    for (const auto& [name, tensor] : json.at("tensors").items()) {
        m.tensors[name] = {
            tensor.at("file").get<std::string>(), tensor.at("dtype").get<std::string>(),
            tensor.at("shape").get<std::vector<int64_t>>(), tensor.at("sha256").get<std::string>()};
    }
    const Json& sizes = json.at("sizes");
    sizes.at("cell_bytes").get_to(m.sizes.cellBytes);
    sizes.at("embedding_bytes").get_to(m.sizes.embeddingBytes);
    sizes.at("other_bytes").get_to(m.sizes.otherBytes);
    sizes.at("bits_per_weight").get_to(m.sizes.bitsPerWeight);
    json.at("created").get_to(m.created);
    json.at("program").get_to(m.program);
    return m;
}

std::string sealed(Json json) {
    json.erase("manifest_sha256");
    json["manifest_sha256"] = sha256Hex(json.dump(1));
    return json.dump(1) + "\n";
}

[[noreturn]] void throwManifest(const std::filesystem::path& file, const std::string& reason) {
    throw Error("artifact.manifest",
                file.string() + " is damaged (" + reason +
                    "). Copy the artifact again, or compress the model again.",
                {{"file", file.string()}, {"reason", reason}});
}

void checkFormat(const Json& json, const std::filesystem::path& file) {
    const std::string text = formatOf(json);
    const FormatFit fit = formatFit(text, kArtifactFormat, kArtifactMajor);
    if (fit == FormatFit::Foreign) {
        throw Error("artifact.missing",
                    file.string() +
                        " is not the manifest of a caldera artifact; it lacks "
                        "\"format\": \"" +
                        ownFormat() + "\".",
                    {{"file", file.string()}});
    }
    if (fit == FormatFit::Newer) {
        throw Error("artifact.newer",
                    file.string() + " has format " + text + ", and this program reads up to " +
                        ownFormat() + ". Install a newer caldera.",
                    {{"file", file.string()}, {"came", text}});
    }
}

} // namespace

std::string Manifest::artifactHash() const {
    Sha256 hash;
    const auto add = [&hash](const auto&... words) {
        std::string_view gap;
        ((hash.update(gap).update(std::string_view(words)), gap = " "), ...);
        hash.update(std::string_view("\0", 1));
    };
    add(ownFormat());
    add(modelFingerprint);
    add(chatFormat);
    add(chatSystem);
    for (const auto& [codec, table] : codecTables) {
        add(codec, table);
    }
    for (const char* file : {"config.json", "tokenizer.json", "plan.yaml"}) {
        const auto found = files.find(file);
        add(file, found == files.end() ? std::string() : found->second.sha256);
    }
    for (const auto& [tensor, entry] : tensors) {
        add(tensor, entry.dtype, Json(entry.shape).dump(), entry.sha256);
    }
    return hash.hex();
}

std::string printManifest(const Manifest& manifest) {
    return sealed(toJson(manifest));
}

Manifest readManifest(const std::filesystem::path& folder) {
    const std::filesystem::path file = folder / kManifestFile;
    if (!std::filesystem::is_directory(folder)) {
        throw Error("artifact.missing",
                    "There is no folder " + folder.string() +
                        ". Give the folder of a compressed model.",
                    {{"folder", folder.string()}});
    }
    if (!std::filesystem::is_regular_file(file)) {
        throw Error("artifact.missing",
                    folder.string() + " is not a caldera artifact: it has no " + kManifestFile +
                        ". The manifest is written last, so a job that was interrupted leaves "
                        "none; resume it.",
                    {{"folder", folder.string()}});
    }
    const std::string text = readTextFile(file, kMaxManifestBytes);
    const Json json = parseJson(text, file.string(), "artifact.manifest");
    checkFormat(json, file);
    if (sealed(json) != text) {
        throwManifest(file, "its own checksum differs");
    }
    try {
        Manifest manifest = fromJson(json);
        if (json.at("artifact_hash") != manifest.artifactHash()) {
            throwManifest(file, "the artifact hash does not follow from its contents");
        }
        return manifest;
    } catch (const Json::exception& e) {
        throwManifest(file, e.what());
    }
}

} // namespace caldera
