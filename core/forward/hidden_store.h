// The hidden states between layers on disk, so that a resumed run need not pass through the layers
// that are finished.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <torch/types.h>

namespace caldera {

/// The newest layer input: its numbers in one file, and in another, written last, their shape and
/// the SHA-256 of every slice. What a killed process or a power failure leaves half written does
/// not fit its hashes and is passed over.
class HiddenStore {
public:
    /// `key` names the calibration; files of another are ignored.
    HiddenStore(std::filesystem::path folder, std::string key);

    struct State {
        int layer = 0;        ///< the layer that these are the input of
        torch::Tensor hidden; ///< [n, t, hidden] f32 on the CPU
    };
    /// The newest whole state whose layer is at most `layer`; damaged files are passed over.
    std::optional<State> load(int layer) const;
    /// Hashes and writes on all threads, then removes what other layers left. The disk may still be
    /// at work afterwards. Throws Error("file.write", "file.disk-full").
    void save(int layer, const torch::Tensor& hidden) const;

private:
    std::filesystem::path fileOf(int layer, const char* extension) const;
    std::filesystem::path dataOf(int layer) const { return fileOf(layer, ".f32"); }
    std::filesystem::path factsOf(int layer) const { return fileOf(layer, ".json"); }

    std::filesystem::path folder_;
    std::string key_;
};

} // namespace caldera
