#include "core/runtime/gpu_use.h"

#include <dlfcn.h>

namespace caldera {

namespace {

// What is used of nvml.h, whose interface is kept compatible.
using Result = int;
using Device = struct NvmlDevice*;
struct Utilization {
    unsigned gpu; // percent
    unsigned memory;
};
struct Memory {
    unsigned long long total;
    unsigned long long free;
    unsigned long long used;
};
constexpr Result kSuccess = 0;

template <class Function>
bool find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    return function != nullptr;
}

} // namespace

struct GpuMonitor::Library {
    Library(const std::string& busId, const std::string& path)
        : handle(::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
        Result (*init)() = nullptr;
        Result (*byBusId)(const char*, Device*) = nullptr;
        isOpen = handle != nullptr && find(handle, "nvmlInit_v2", init) &&
                 find(handle, "nvmlShutdown", shutdown) &&
                 find(handle, "nvmlDeviceGetHandleByPciBusId_v2", byBusId) &&
                 find(handle, "nvmlDeviceGetUtilizationRates", utilization) &&
                 find(handle, "nvmlDeviceGetMemoryInfo", memory) && init() == kSuccess;
        isFound = isOpen && byBusId(busId.c_str(), &device) == kSuccess;
    }
    ~Library() {
        if (isOpen) {
            shutdown();
        }
        if (handle != nullptr) {
            ::dlclose(handle);
        }
    }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    void* handle;
    Result (*shutdown)() = nullptr;
    Result (*utilization)(Device, Utilization*) = nullptr;
    Result (*memory)(Device, Memory*) = nullptr;
    Device device = nullptr;
    bool isOpen = false;
    bool isFound = false;
};

GpuMonitor::GpuMonitor(const std::string& busId, const std::string& library)
    : library_(std::make_unique<Library>(busId, library)) {
    if (!library_->isFound) {
        library_.reset();
    }
}

GpuMonitor::~GpuMonitor() = default;
GpuMonitor::GpuMonitor(GpuMonitor&&) noexcept = default;
GpuMonitor& GpuMonitor::operator=(GpuMonitor&&) noexcept = default;

std::optional<GpuUse> GpuMonitor::read() const {
    Memory memory{};
    if (!library_ || library_->memory(library_->device, &memory) != kSuccess) {
        return std::nullopt;
    }
    GpuUse use;
    use.usedBytes = static_cast<int64_t>(memory.used);
    use.totalBytes = static_cast<int64_t>(memory.total);
    Utilization utilization{};
    constexpr double kPercent = 100;
    if (library_->utilization(library_->device, &utilization) == kSuccess) { // not of a MIG part
        use.busy = utilization.gpu / kPercent;
    }
    return use;
}

} // namespace caldera
