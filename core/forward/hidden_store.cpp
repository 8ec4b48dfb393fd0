#include "core/forward/hidden_store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <unistd.h>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/write_failure.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kFormat = "caldera-hidden/1";
/// Bytes that one thread hashes and copies at a time.
constexpr size_t kSliceBytes = size_t{16} << 20;
constexpr size_t kLargestFacts = size_t{16} << 20;

size_t sliceCount(size_t bytes) {
    return (bytes + kSliceBytes - 1) / kSliceBytes;
}

/// Calls take(slice, part) for every slice of `bytes`, on all threads.
template <class Byte, class Take>
void forEachSlice(std::span<Byte> bytes, Take take) {
    const auto slices = static_cast<int64_t>(sliceCount(bytes.size()));
    at::parallel_for(0, slices, 1, [&](int64_t first, int64_t end) {
        for (int64_t slice = first; slice < end; ++slice) {
            const size_t offset = static_cast<size_t>(slice) * kSliceBytes;
            take(static_cast<size_t>(slice),
                 bytes.subspan(offset, std::min(kSliceBytes, bytes.size() - offset)));
        }
    });
}

/// A file that several threads write at once. It counts only once its facts say so, so it is
/// neither synced nor renamed. Without keep() it is removed: half of it would only fill a disk that
/// is full.
class DataFile {
public:
    explicit DataFile(fs::path path)
        : path_(std::move(path)),
          descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
        if (descriptor_ < 0) {
            throwWriteFailure(path_, errno);
        }
    }
    ~DataFile() {
        ::close(descriptor_);
        if (!isKept_) {
            ::unlink(path_.c_str());
        }
    }
    DataFile(const DataFile&) = delete;
    DataFile& operator=(const DataFile&) = delete;

    void write(std::span<const std::byte> bytes, size_t offset) const {
        while (!bytes.empty()) {
            const ssize_t written =
                ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (written < 0 && errno == EINTR) {
                continue;
            }
            if (written < 0) {
                throwWriteFailure(path_, errno);
            }
            bytes = bytes.subspan(static_cast<size_t>(written));
            offset += static_cast<size_t>(written);
        }
    }

    void keep() { isKept_ = true; }

private:
    fs::path path_;
    int descriptor_;
    bool isKept_ = false;
};

/// Writes the bytes and returns the SHA-256 of every slice.
std::vector<std::string> writeSlices(const DataFile& file, std::span<const std::byte> bytes) {
    std::vector<std::string> hashes(sliceCount(bytes.size()));
    forEachSlice(bytes, [&](size_t slice, std::span<const std::byte> part) {
        hashes[slice] = sha256Hex(part);
        file.write(part, slice * kSliceBytes);
    });
    return hashes;
}

/// Whether every slice has its hash; `out` gets the bytes.
bool readSlices(std::span<const std::byte> bytes, const std::vector<std::string>& hashes,
                std::byte* out) {
    std::vector<char> same(hashes.size(), 0);
    forEachSlice(bytes, [&](size_t slice, std::span<const std::byte> part) {
        std::memcpy(out + slice * kSliceBytes, part.data(), part.size());
        same[slice] = sha256Hex(part) == hashes[slice] ? 1 : 0;
    });
    return std::find(same.begin(), same.end(), 0) == same.end();
}

/// Whether f32 numbers [n, t, hidden] of this shape take so many bytes.
bool fills(const std::vector<int64_t>& shape, size_t bytes) {
    size_t numbers = 1;
    for (const int64_t side : shape) {
        if (side < 1 || static_cast<size_t>(side) > bytes / sizeof(float) / numbers) {
            return false;
        }
        numbers *= static_cast<size_t>(side);
    }
    return shape.size() == 3 && numbers * sizeof(float) == bytes;
}

std::optional<torch::Tensor> readState(const fs::path& facts, const fs::path& data,
                                       const std::string& key) {
    try {
        const Json said = Json::parse(readTextFile(facts, kLargestFacts));
        if (said.at("format") != kFormat || said.at("key") != key) {
            return std::nullopt;
        }
        const auto shape = said.at("shape").get<std::vector<int64_t>>();
        const auto hashes = said.at("sha256").get<std::vector<std::string>>();
        const MappedFile file(data);
        if (!fills(shape, file.bytes().size()) ||
            hashes.size() != sliceCount(file.bytes().size())) {
            return std::nullopt;
        }
        torch::Tensor hidden = at::empty(shape, at::kFloat);
        const bool isWhole = readSlices(file.bytes(), hashes,
                                        reinterpret_cast<std::byte*>(hidden.data_ptr<float>()));
        return isWhole ? std::optional(hidden) : std::nullopt;
    } catch (const Error&) { // absent, cut short or foreign: the states are worked out again
        return std::nullopt;
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

} // namespace

HiddenStore::HiddenStore(fs::path folder, std::string key)
    : folder_(std::move(folder)), key_(std::move(key)) {}

fs::path HiddenStore::fileOf(int layer, const char* extension) const {
    return folder_ / ("layer-" + std::to_string(layer) + extension);
}

std::optional<HiddenStore::State> HiddenStore::load(int layer) const {
    for (int candidate = layer; candidate >= 0; --candidate) {
        if (fs::exists(factsOf(candidate))) {
            if (auto hidden = readState(factsOf(candidate), dataOf(candidate), key_)) {
                return State{candidate, std::move(*hidden)};
            }
        }
    }
    return std::nullopt;
}

void HiddenStore::save(int layer, const torch::Tensor& hidden) const {
    const torch::Tensor values = hidden.to(at::kCPU, at::kFloat).contiguous();
    fs::create_directories(folder_);
    fs::remove(factsOf(layer)); // of the same layer, written before
    DataFile data(dataOf(layer));
    const auto bytes =
        std::as_bytes(std::span(values.data_ptr<float>(), static_cast<size_t>(values.numel())));
    const Json facts = {{"format", kFormat},
                        {"key", key_},
                        {"shape", values.sizes().vec()},
                        {"sha256", writeSlices(data, bytes)}};
    writeFileAtomically(factsOf(layer), facts.dump() + "\n");
    data.keep();
    for (const auto& entry : fs::directory_iterator(folder_)) {
        if (entry.path() != factsOf(layer) && entry.path() != dataOf(layer)) {
            fs::remove(entry.path());
        }
    }
}

} // namespace caldera
