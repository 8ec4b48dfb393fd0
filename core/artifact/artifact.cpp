#include "core/artifact/artifact.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "core/artifact/artifact_data.h"
#include "core/artifact/layout.h"
#include "core/artifact/manifest.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/base/json_text.h"
#include "core/job/progress.h"

namespace caldera {

namespace {

constexpr uintptr_t kAlignment = 64;

/// The bytes of one of the artifact's small files, if they are what the manifest says.
std::string readSmallFile(const std::filesystem::path& folder, const Manifest& manifest,
                          const std::string& name) {
    std::string text = readTextFile(folder / name);
    const auto entry = manifest.files.find(name);
    if (entry == manifest.files.end() || entry->second.sha256 != sha256Hex(text)) {
        throw Error("artifact.checksum",
                    (folder / name).string() +
                        " is not what the manifest says: it was changed or damaged. Copy the "
                        "artifact again.",
                    {{"file", (folder / name).string()}});
    }
    return text;
}

void checkFileSize(const std::filesystem::path& file, int64_t needed) {
    std::error_code error;
    const auto size = static_cast<int64_t>(std::filesystem::file_size(file, error));
    if (error && error != std::errc::no_such_file_or_directory) {
        const MappedFile says(file); // what it is, or why it is not for us
    }
    if (error) {
        throw Error("artifact.file-missing",
                    file.string() + " is missing. Copy the artifact again, whole.",
                    {{"file", file.string()}});
    }
    if (size != needed) {
        throw Error("artifact.truncated",
                    file.string() + " has " + std::to_string(size) + " bytes; the manifest says " +
                        std::to_string(needed) + ". Copy the artifact again, whole.",
                    {{"file", file.string()},
                     {"came", std::to_string(size)},
                     {"needed", std::to_string(needed)}});
    }
}

std::string tensorText(const std::string& dtype, const std::vector<int64_t>& shape) {
    return dtype + " " + shapeText(shape);
}

void checkTensor(const TensorSpec& spec, const Manifest& manifest,
                 const std::map<std::string, TensorView>& found, const std::string& folder) {
    const auto listed = manifest.tensors.find(spec.name);
    const auto tensor = found.find(spec.name);
    if (listed == manifest.tensors.end() || tensor == found.end() ||
        listed->second.file != spec.file) {
        throw Error("artifact.tensor-missing",
                    folder + ": the tensor " + spec.name + " is missing from " + spec.file +
                        ". The artifact is incomplete; copy it again.",
                    {{"tensor", spec.name}, {"file", spec.file}});
    }
    const TensorView& view = tensor->second;
    if (view.dtype != spec.dtype || view.shape != spec.shape ||
        listed->second.dtype != spec.dtype || listed->second.shape != spec.shape) {
        throw Error("artifact.shape",
                    folder + ": the tensor " + spec.name + " is " +
                        tensorText(view.dtype, view.shape) + "; configuration and plan need " +
                        tensorText(spec.dtype, spec.shape) + ". Compress the model again.",
                    {{"tensor", spec.name},
                     {"came", tensorText(view.dtype, view.shape)},
                     {"needed", tensorText(spec.dtype, spec.shape)}});
    }
    if (reinterpret_cast<uintptr_t>(view.bytes.data()) % kAlignment != 0) {
        throw Error("artifact.alignment",
                    folder + ": the tensor " + spec.name +
                        " does not begin at a multiple of 64 bytes, so it was not written by "
                        "caldera. Compress the model again.",
                    {{"tensor", spec.name}});
    }
}

void openShards(Artifact::Data& data) {
    const std::vector<TensorSpec> specs = artifactTensors(data.plan, data.config);
    std::string last;
    for (const TensorSpec& spec : specs) {
        if (spec.file == last) {
            continue;
        }
        last = spec.file;
        if (!data.manifest.files.contains(spec.file)) {
            throw Error("artifact.file-missing",
                        data.path.string() + ": the manifest lacks " + spec.file +
                            ", which configuration and plan need. Compress the model again.",
                        {{"file", spec.file}});
        }
        const auto& shard =
            data.shards.emplace_back(std::make_unique<SafetensorsFile>(data.path / spec.file));
        data.tensors.insert(shard->tensors().begin(), shard->tensors().end());
    }
    for (const TensorSpec& spec : specs) {
        checkTensor(spec, data.manifest, data.tensors, data.path.string());
    }
    if (data.tensors.size() != specs.size() || data.manifest.tensors.size() != specs.size()) {
        throw Error("artifact.tensor-unexpected",
                    data.path.string() + " holds tensors that its plan does not explain. Compress "
                                         "the model again.",
                    {{"folder", data.path.string()}});
    }
}

/// Codes whose tables nobody can compare might mean something else here.
void requireCodecTables(const Artifact::Data& data) {
    for (const std::string& id : artifactCodecs(data.plan, data.config)) {
        if (!data.manifest.codecTables.contains(id)) {
            throw Error("artifact.codec-table",
                        data.path.string() + ": its plan uses the codec " + id +
                            ", of which the manifest names no table. Copy the artifact again, or "
                            "compress the model again.",
                        {{"artifact", data.path.string()}, {"codec", id}});
        }
    }
}

ChatTemplate readChat(const Manifest& manifest, const std::filesystem::path& folder) {
    const auto format = parseChatFormat(manifest.chatFormat);
    if (!format) {
        throw Error("artifact.manifest",
                    folder.string() + ": the chat format \"" + manifest.chatFormat +
                        "\" is unknown to this program. Install a newer caldera.",
                    {{"came", manifest.chatFormat}});
    }
    return {*format, manifest.chatSystem};
}

/// In parts, since a large file takes many seconds.
std::string checksumOf(std::span<const std::byte> bytes, const std::stop_token& stop) {
    constexpr size_t kPart = 16U << 20;
    Sha256 hash;
    while (!bytes.empty()) {
        checkCancelled(stop);
        const auto part = bytes.first(std::min(kPart, bytes.size()));
        hash.update(part);
        bytes = bytes.subspan(part.size());
    }
    return hash.hex();
}

void verifyFile(const std::filesystem::path& file, const std::string& name,
                const Manifest& manifest, const std::map<std::string, TensorView>& tensors,
                const std::stop_token& stop) {
    const MappedFile map(file);
    if (checksumOf(map.bytes(), stop) == manifest.files.at(name).sha256) {
        return;
    }
    std::string damaged;
    for (const auto& [tensor, entry] : manifest.tensors) {
        if (entry.file == name && checksumOf(tensors.at(tensor).bytes, stop) != entry.sha256) {
            damaged = tensor;
            break;
        }
    }
    throw Error("artifact.checksum",
                (damaged.empty()
                     ? file.string() + " is damaged outside its tensors"
                     : "The tensor " + damaged + " in " + file.string() + " is damaged") +
                    ": its checksum differs from the manifest's. Copy the artifact again.",
                {{"file", file.string()}, {"tensor", damaged}});
}

} // namespace

ArtifactTable ArtifactTable::row(int64_t index) const {
    return {
        {1, shape.columns},
        bits,
        codes.subspan(static_cast<size_t>(index * rowBytes()), static_cast<size_t>(rowBytes())),
        scale.subspan(static_cast<size_t>(index * rowScales()), static_cast<size_t>(rowScales()))};
}

Artifact::Artifact(std::unique_ptr<Data> data) : data_(std::move(data)) {}
Artifact::~Artifact() = default;

std::shared_ptr<const Artifact> Artifact::open(const std::filesystem::path& folder) {
    auto data = std::make_unique<Data>();
    data->path = folder;
    data->manifest = readManifest(folder);
    data->hash = data->manifest.artifactHash();
    data->fileBytes = static_cast<int64_t>(std::filesystem::file_size(folder / kManifestFile));
    for (const auto& [name, file] : data->manifest.files) {
        checkFileSize(folder / name, file.bytes);
        data->fileBytes += file.bytes;
    }
    const auto small = [&](const char* name) {
        return readSmallFile(folder, data->manifest, name);
    };
    const auto json = [&](const char* name, const char* code) {
        return parseJson(small(name), (folder / name).string(), code);
    };
    data->config =
        parseConfig(json("config.json", "artifact.config"), (folder / "config.json").string());
    data->tokenizer = Tokenizer::fromJson(json("tokenizer.json", "artifact.tokenizer"),
                                          (folder / "tokenizer.json").string());
    data->plan = parsePlan(small("plan.yaml"), (folder / "plan.yaml").string());
    data->chat = readChat(data->manifest, folder);
    openShards(*data);
    requireCodecTables(*data);
    return std::make_shared<const Artifact>(std::move(data));
}

const std::filesystem::path& Artifact::path() const {
    return data_->path;
}
const std::string& Artifact::name() const {
    return data_->manifest.name;
}
const std::string& Artifact::hash() const {
    return data_->hash;
}
const ModelConfig& Artifact::config() const {
    return data_->config;
}
const std::shared_ptr<const Tokenizer>& Artifact::tokenizer() const {
    return data_->tokenizer;
}
const ChatTemplate& Artifact::chat() const {
    return data_->chat;
}
const Plan& Artifact::plan() const {
    return data_->plan;
}
const std::string& Artifact::modelFingerprint() const {
    return data_->manifest.modelFingerprint;
}
const std::map<std::string, std::string>& Artifact::codecTables() const {
    return data_->manifest.codecTables;
}
int64_t Artifact::fileBytes() const {
    return data_->fileBytes;
}
double Artifact::bitsPerWeight() const {
    return data_->manifest.sizes.bitsPerWeight;
}

ArtifactCell Artifact::cell(Cell cell) const {
    const Data& d = *data_;
    if (cell.layer < 0 || cell.layer >= d.config.layerCount) {
        throw Error("artifact.no-cell",
                    d.path.string() + " has no " + cellName(cell) + "; its layers are 0 to " +
                        std::to_string(d.config.layerCount - 1) + ".",
                    {{"cell", cellName(cell)}});
    }
    const std::string name = cellName(cell);
    const CellSettings settings = d.plan.settingsOf(cell);
    const MatrixShape shape = d.config.shapeOf(cell.module);
    ArtifactCell result;
    result.cell = cell;
    result.transform = settings.transform;
    result.bias = d.floats(name + ".bias");
    if (settings.skip) {
        result.q.shape = shape;
        result.dense = d.halves(name + ".weight");
        return result;
    }
    const auto packed = [&](const char* part, const std::string& codec, MatrixShape size) {
        const std::string prefix = name + part;
        return PackedView{codec, size, d.bytes(prefix + ".codes"), d.halves(prefix + ".scale")};
    };
    result.q = packed(".q", settings.codecId(), shape);
    result.l = packed(".l", settings.leftCodecId(), {shape.rows, settings.rank});
    result.r = packed(".r", settings.rightCodecId(), {settings.rank, shape.columns});
    result.outSign = d.halves(name + ".out_sign");
    result.inSign = d.halves(inputGroupPrefix(cell.layer, inputGroupOf(cell.module)) + ".in_sign");
    return result;
}

ArtifactTable Artifact::embedding() const {
    return data_->table(kEmbeddingName, data_->plan.embeddingBits);
}

ArtifactTable Artifact::head() const {
    return data_->config.tiedEmbeddings ? embedding()
                                        : data_->table(kHeadName, data_->plan.headBits);
}

std::vector<float> Artifact::norm(const std::string& name) const {
    if (data_->bytes(name).empty()) {
        throw Error("artifact.tensor-missing",
                    data_->path.string() + " has no tensor " + name + ".", {{"tensor", name}});
    }
    return data_->floats(name);
}

void Artifact::verify(const std::stop_token& stop) const {
    for (const auto& [name, file] : data_->manifest.files) {
        verifyFile(data_->path / name, name, data_->manifest, data_->tensors, stop);
    }
}

bool isArtifact(const std::filesystem::path& folder) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(folder / kManifestFile, error)) {
        return false;
    }
    try {
        const MappedFile file(folder / kManifestFile);
        const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                                    file.bytes().size());
        return text.find(std::string("\"") + kArtifactFormat + "/") != std::string_view::npos;
    } catch (const Error&) {
        return false;
    }
}

} // namespace caldera
