#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "core/artifact/artifact.h"
#include "core/artifact/layout.h"
#include "core/artifact/manifest.h"
#include "core/artifact/model_tensors.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/half.h"
#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/base/version.h"
#include "core/plan/packing.h"

namespace caldera {

namespace {

using Bytes = std::vector<std::byte>;

template <class T>
Bytes bytesOf(const std::vector<T>& values) {
    const auto raw = std::as_bytes(std::span(values));
    return {raw.begin(), raw.end()};
}

[[noreturn]] void throwCell(const CompressedCell& cell, const std::string& reason) {
    throw Error("artifact.cell",
                "The finished cell " + cellName(cell.cell) + " does not fit its plan: " + reason +
                    ". Remove its file from the job and resume.",
                {{"cell", cellName(cell.cell)}, {"reason", reason}});
}

void requireMatrix(const CompressedCell& cell, const char* part, const PackedMatrix& matrix,
                   const std::string& codec, MatrixShape shape) {
    if (matrix.codec != codec || matrix.shape != shape) {
        throwCell(cell, std::string(part) + " is " + matrix.codec + ", " +
                            std::to_string(matrix.shape.rows) + " x " +
                            std::to_string(matrix.shape.columns) + "; needed is " + codec + ", " +
                            std::to_string(shape.rows) + " x " + std::to_string(shape.columns));
    }
    if (!std::all_of(matrix.scale.begin(), matrix.scale.end(),
                     [](uint16_t bits) { return std::isfinite(fp16ToFloat(bits)); })) {
        throwCell(cell, std::string(part) + " has a scale that is not a finite number");
    }
}

void requirePlanned(const CompressedCell& cell, const CellSettings& settings, MatrixShape shape) {
    requireMatrix(cell, "Q", cell.q, settings.codecId(), shape);
    if (settings.rank > 0) {
        requireMatrix(cell, "L", cell.l, settings.leftCodecId(), {shape.rows, settings.rank});
        requireMatrix(cell, "R", cell.r, settings.rightCodecId(), {settings.rank, shape.columns});
    } else if (!cell.l.codes.empty() || !cell.r.codes.empty()) {
        throwCell(cell, "it has factors, and rank 0 is needed");
    }
}

class ArtifactWriter {
public:
    explicit ArtifactWriter(const ArtifactRequest& request)
        : request_(request), config_(request.model->config),
          specs_(artifactTensors(request.plan, config_)) {}

    std::string write() {
        prepareFolder();
        manifest_.name = request_.model->name;
        manifest_.modelFingerprint = request_.model->fingerprint;
        manifest_.chatFormat = chatFormatName(request_.model->chat.format);
        manifest_.chatSystem = request_.model->chat.defaultSystem;
        manifest_.codecTables = request_.codecTables;
        manifest_.sizes = planSize(request_.plan, config_);
        writeSmallFile("config.json", configToJson(config_).dump(2) + "\n");
        writeSmallFile("tokenizer.json", request_.model->tokenizer->json());
        writeSmallFile("plan.yaml", printPlan(request_.plan));
        for (int layer = 0; layer < config_.layerCount; ++layer) {
            loadLayer(layer);
            writeShard(shardName(layer, config_.layerCount + 1));
        }
        pending_.clear();
        writeShard(shardName(config_.layerCount, config_.layerCount + 1));
        manifest_.created = utcNow();
        manifest_.program = "caldera " + std::string(programVersion());
        writeFileAtomically(request_.folder / kManifestFile, printManifest(manifest_));
        return manifest_.artifactHash();
    }

private:
    void prepareFolder() {
        const std::filesystem::path& folder = request_.folder;
        std::error_code error;
        std::filesystem::create_directories(folder, error);
        if (error) {
            throw Error("artifact.folder",
                        "Cannot create " + folder.string() + ": " + error.message() + ".",
                        {{"folder", folder.string()}, {"reason", error.message()}});
        }
        if (std::filesystem::exists(folder / kManifestFile)) {
            throw Error("artifact.exists",
                        folder.string() + " already holds a finished artifact. Choose another "
                                          "folder, or remove it first.",
                        {{"folder", folder.string()}});
        }
        const auto needed = static_cast<uint64_t>(planSize(request_.plan, config_).total());
        const uint64_t available = freeDiskBytes(folder);
        if (available < needed) {
            throw Error("file.disk-full",
                        "The artifact needs " + byteText(needed) + ", and the disk of " +
                            folder.string() + " has " + byteText(available) +
                            " left. Free some space and resume; finished cells are kept.",
                        {{"folder", folder.string()},
                         {"needed", byteText(needed)},
                         {"available", byteText(available)}});
        }
    }

    void writeSmallFile(const std::string& name, const std::string& text) {
        writeFileAtomically(request_.folder / name, text);
        manifest_.files[name] = {static_cast<int64_t>(text.size()), sha256Hex(text)};
    }

    /// Puts the tensors of a layer's compressed cells into pending_.
    void loadLayer(int layer) {
        pending_.clear();
        for (const Module module : kModules) {
            const Cell cell{layer, module};
            const CellSettings settings = request_.plan.settingsOf(cell);
            if (!settings.skip) {
                addCell(request_.load(cell), cell, settings);
            }
        }
    }

    void addCell(const CompressedCell& loaded, Cell cell, const CellSettings& settings) {
        if (loaded.cell != cell) {
            throwCell(loaded, "it was given for " + cellName(cell));
        }
        requirePlanned(loaded, settings, config_.shapeOf(cell.module));
        if (request_.verify) {
            request_.verify(loaded);
        }
        const std::string name = cellName(cell);
        const auto addMatrix = [&](const std::string& part, const PackedMatrix& matrix) {
            pending_[name + part + ".codes"] = matrix.codes;
            pending_[name + part + ".scale"] = bytesOf(matrix.scale);
        };
        addMatrix(".q", loaded.q);
        if (settings.rank > 0) {
            addMatrix(".l", loaded.l);
            addMatrix(".r", loaded.r);
        }
        pending_[name + ".out_sign"] = bytesOf(loaded.outSign);
        const std::string signs =
            inputGroupPrefix(cell.layer, inputGroupOf(cell.module)) + ".in_sign";
        const auto [entry, added] = pending_.emplace(signs, bytesOf(loaded.inSign));
        if (!added && entry->second != bytesOf(loaded.inSign)) {
            throwCell(loaded, "its input signs differ from those of its input group");
        }
    }

    void writeShard(const std::string& file) {
        SafetensorsWriter writer;
        for (const TensorSpec& spec : specs_) {
            if (spec.file != file) {
                continue;
            }
            const Bytes bytes = tensorBytes(spec);
            if (static_cast<int64_t>(bytes.size()) != spec.bytes()) {
                throw Error("artifact.shape",
                            "The tensor " + spec.name + " has " + std::to_string(bytes.size()) +
                                " bytes, and " + std::to_string(spec.bytes()) +
                                " are needed. Nothing was written.",
                            {{"tensor", spec.name}});
            }
            manifest_.tensors[spec.name] = {file, spec.dtype, spec.shape, sha256Hex(bytes)};
            writer.add(spec.name, spec.dtype, spec.shape, bytes);
        }
        writer.write(request_.folder / file);
        const MappedFile written(request_.folder / file);
        manifest_.files[file] = {static_cast<int64_t>(written.bytes().size()),
                                 sha256Hex(written.bytes())};
    }

    Bytes tensorBytes(const TensorSpec& spec) {
        const auto found = pending_.find(spec.name);
        if (found != pending_.end()) {
            return std::move(found->second);
        }
        if (spec.name.ends_with(".codes") || spec.name.ends_with("_sign")) {
            return {}; // the size check names it
        }
        if (spec.dtype == "F16") {
            return std::move(rowScales_); // follows its table
        }
        ModelTensor tensor = modelTensor(*request_.model, spec);
        rowScales_ = std::move(tensor.scales);
        return std::move(tensor.codes);
    }

    const ArtifactRequest& request_;
    const ModelConfig& config_;
    std::vector<TensorSpec> specs_;
    Manifest manifest_;
    std::unordered_map<std::string, Bytes> pending_; ///< by tensor name
    Bytes rowScales_;
};

} // namespace

std::string writeArtifact(const ArtifactRequest& request) {
    return ArtifactWriter(request).write();
}

} // namespace caldera
