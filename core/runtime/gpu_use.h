// How busy a GPU is, as its driver tells.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace caldera {

struct GpuUse {
    double busy = -1;      ///< share of the last moments in which it computed; negative: not told
    int64_t usedBytes = 0; ///< of its memory, by whichever program
    int64_t totalBytes = 0;
};

/// Asks NVIDIA's management library, which comes with the driver and is opened where it is there.
class GpuMonitor {
public:
    /// `busId` as kernels::CudaDevice has it.
    explicit GpuMonitor(const std::string& busId, const std::string& library = kLibrary);
    ~GpuMonitor();
    GpuMonitor(GpuMonitor&&) noexcept;
    GpuMonitor& operator=(GpuMonitor&&) noexcept;

    /// Takes microseconds. Nothing where the library or the GPU is missing.
    std::optional<GpuUse> read() const;

private:
    static constexpr const char* kLibrary = "libnvidia-ml.so.1";
    struct Library;
    std::unique_ptr<Library> library_; ///< null: there is none
};

} // namespace caldera
