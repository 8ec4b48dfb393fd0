// How an engine is to run.
#pragma once

namespace caldera {

constexpr int kMostChats = 64;

struct EngineSettings {
    int contextLength = 0; ///< tokens that one conversation may have; 1 to what the model takes
    int chats = 1;         ///< conversations that are answered at once, 1 to kMostChats
    int threads = 0;       ///< that compute on the CPU; 0: all cores of this process
    bool isPinned = false; ///< each of them but one stays on its core, where that is allowed
    enum class Device { Auto, Cpu, Cuda };
    Device device = Device::Auto; ///< Auto: a GPU where there is one
    int cacheBits = 16;           ///< of keys and values on a GPU, 16 or 8; the CPU keeps f32
    int activationBits = 0;       ///< inputs of the packed products, 16 or 8; 0: the device's best
};

/// Whether an engine with these settings computes on a GPU of this machine.
bool runsOnGpu(const EngineSettings& settings);

} // namespace caldera
