#include "core/compress/hidden_store.h"

#include <cstring>
#include <stdexcept>

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/model/safetensors.h"

namespace caldera {

namespace {

constexpr const char* kTensor = "hidden";
constexpr const char* kKey = "key";
constexpr const char* kChecksum = "sha256";

std::span<const std::byte> bytesOf(const torch::Tensor& x) {
    return std::as_bytes(std::span(x.data_ptr<float>(), static_cast<size_t>(x.numel())));
}

std::optional<torch::Tensor> readState(const std::filesystem::path& path, const std::string& key) {
    try {
        const SafetensorsFile file(path);
        const TensorView& view = file.at(kTensor);
        const auto& facts = file.metadata();
        if (view.dtype != "F32" || facts.at(kKey) != key ||
            facts.at(kChecksum) != sha256Hex(view.bytes)) {
            return std::nullopt;
        }
        torch::Tensor hidden = at::empty(view.shape, at::kFloat);
        std::memcpy(hidden.data_ptr<float>(), view.bytes.data(), view.bytes.size());
        return hidden;
    } catch (const Error&) { // cut short or foreign: the states are worked out again
        return std::nullopt;
    } catch (const std::out_of_range&) { // without our metadata
        return std::nullopt;
    }
}

} // namespace

HiddenStore::HiddenStore(std::filesystem::path folder, std::string key)
    : folder_(std::move(folder)), key_(std::move(key)) {}

std::filesystem::path HiddenStore::fileOf(int layer) const {
    return folder_ / ("layer-" + std::to_string(layer) + ".safetensors");
}

std::optional<HiddenStore::State> HiddenStore::load(int layer) const {
    for (int candidate = layer; candidate >= 0; --candidate) {
        if (std::filesystem::exists(fileOf(candidate))) {
            if (auto hidden = readState(fileOf(candidate), key_)) {
                return State{candidate, std::move(*hidden)};
            }
        }
    }
    return std::nullopt;
}

void HiddenStore::save(int layer, const torch::Tensor& hidden) const {
    const torch::Tensor values = hidden.to(at::kCPU, at::kFloat).contiguous();
    SafetensorsWriter writer;
    writer.add(kTensor, "F32", values.sizes().vec(), bytesOf(values));
    writer.setMetadata(kKey, key_);
    writer.setMetadata(kChecksum, sha256Hex(bytesOf(values)));
    std::filesystem::create_directories(folder_);
    writer.write(fileOf(layer));
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
        if (entry.path() != fileOf(layer)) {
            std::filesystem::remove(entry.path());
        }
    }
}

} // namespace caldera
