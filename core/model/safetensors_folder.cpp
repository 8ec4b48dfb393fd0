#include <filesystem>
#include <set>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/model/mapped_weights.h"
#include "core/model/safetensors.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

/// Shard files of a folder: those of the index, or the single file. Maps file to expected tensors
/// (empty: all that it holds).
std::map<std::string, std::vector<std::string>> shardsOf(const std::filesystem::path& folder) {
    const auto indexPath = folder / "model.safetensors.index.json";
    if (!std::filesystem::exists(indexPath)) {
        if (!std::filesystem::exists(folder / "model.safetensors")) {
            throw Error("safetensors.missing",
                        folder.string() + " has neither model.safetensors nor " +
                            "model.safetensors.index.json; the weights are needed in one of them.",
                        {{"folder", folder.string()}});
        }
        return {{"model.safetensors", {}}};
    }
    const std::string where = indexPath.string();
    const Json index = readJsonFile(indexPath, "safetensors.index");
    if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object() ||
        index["weight_map"].empty()) {
        throw Error("safetensors.index",
                    where + ": the object \"weight_map\" (tensor name to file name) is needed.",
                    {{"file", where}});
    }
    std::map<std::string, std::vector<std::string>> shards;
    for (const auto& [tensor, file] : index["weight_map"].items()) {
        const std::string name = file.is_string() ? file.get<std::string>() : "";
        if (name.empty() || name == ".." || name.find('/') != std::string::npos) {
            std::string sentence = where;
            sentence += ": tensor \"" + tensor + "\" needs the name of a file beside it.";
            throw Error("safetensors.index", sentence, {{"file", where}, {"tensor", tensor}});
        }
        shards[name].push_back(tensor);
    }
    return shards;
}

MappedTensor mappedTensor(const SafetensorsFile& file, const std::string& name,
                          const TensorView& view) {
    return {{name, view.dtype, view.shape, view.bytes.size()}, view.bytes, file.path().string(), 0};
}

} // namespace

std::shared_ptr<const MappedWeights> mapSafetensors(const std::filesystem::path& folder) {
    auto files = std::make_shared<std::vector<std::unique_ptr<SafetensorsFile>>>();
    std::vector<MappedTensor> tensors;
    std::set<std::string> names;
    for (const auto& [name, expected] : shardsOf(folder)) {
        if (!expected.empty() && !std::filesystem::exists(folder / name)) {
            throw Error("safetensors.missing",
                        folder.string() + " has no " + name +
                            ", which model.safetensors.index.json names. The model was fetched in "
                            "part; fetch it again.",
                        {{"folder", folder.string()}, {"file", name}});
        }
        const SafetensorsFile& file =
            *files->emplace_back(std::make_unique<SafetensorsFile>(folder / name));
        for (const std::string& tensor : expected) {
            file.at(tensor);
        }
        for (const auto& [tensor, view] : file.tensors()) {
            if (!names.insert(tensor).second) {
                throw Error("safetensors.duplicate",
                            file.path().string() + ": tensor \"" + tensor +
                                "\" also lies in another shard.",
                            {{"file", file.path().string()}, {"tensor", tensor}});
            }
            tensors.push_back(mappedTensor(file, tensor, view));
        }
    }
    return std::make_shared<MappedWeights>(std::move(tensors), files);
}

std::shared_ptr<const WeightSource> openSafetensorsWeights(const std::filesystem::path& folder) {
    return mapSafetensors(folder);
}

} // namespace caldera
