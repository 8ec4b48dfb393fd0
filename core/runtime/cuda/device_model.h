// The weights of a model in the memory of a GPU, as the kernels read them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/artifact/artifact.h"
#include "core/runtime/cuda/device_arena.h"
#include "kernels/common/cuda_handles.h"
#include "kernels/step/program.h"

namespace caldera {

struct DeviceLayer {
    kernels::cuda::StepGroup qkv;
    kernels::cuda::StepGroup o;
    kernels::cuda::StepGroup gateUp;
    kernels::cuda::StepGroup down;
};

/// Memory of the host that a GPU reads directly.
class PinnedBytes {
public:
    PinnedBytes() = default;
    /// Throws kernels::KernelError.
    explicit PinnedBytes(std::span<const std::byte> bytes);
    const uint8_t* data() const { return data_.get(); }

private:
    kernels::cuda::PinnedValues<uint8_t> data_;
};

struct DeviceModel {
    ModelConfig config;
    std::vector<DeviceLayer> layers;
    kernels::cuda::StepGroup head; ///< one linear, its input the final norm's
    kernels::EmbedPhase embedding; ///< storage, columns, rows and scale
    PinnedBytes embeddingRows;     ///< a table of its own stays on the host,
    PinnedBytes embeddingScales;   ///< as do its scales
    DeviceArena arena;             ///< everything in it is read for each token
};

/// Cells with codecs that the GPU has no product for are decoded to 16 bits. Throws
/// Error("codec.unknown"), kernels::KernelError.
DeviceModel loadDeviceModel(const Artifact& artifact);

/// What every linear of a synthetic model is like.
struct SyntheticWeights {
    const kernels::StepCode* code = nullptr;
    int rank = 0; ///< a multiple of 16, of factors in 4 bits
};

/// A model of this shape with random codes, a head in 4 bits and an embedding on the host that has
/// one row for all tokens. arena: where its weights go.
DeviceModel syntheticDeviceModel(const ModelConfig& config, const SyntheticWeights& weights,
                                 DeviceArena arena);

} // namespace caldera
