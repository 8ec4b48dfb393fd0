// The hidden states between layers on disk, so that a resumed run need not pass through the layers
// that are finished.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <torch/types.h>

namespace caldera {

/// One file per layer input; only the newest is kept.
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
    /// Writes atomically, then removes what older layers left. Throws Error("file.write").
    void save(int layer, const torch::Tensor& hidden) const;

private:
    std::filesystem::path fileOf(int layer) const;

    std::filesystem::path folder_;
    std::string key_;
};

} // namespace caldera
