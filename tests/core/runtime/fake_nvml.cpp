// Plays NVIDIA's management library: one GPU of which all is told, one that is a part of another.
#include <cstring>

extern "C" {

struct Utilization {
    unsigned gpu;
    unsigned memory;
};
struct Memory {
    unsigned long long total;
    unsigned long long free;
    unsigned long long used;
};

static int whole = 0;
static int part = 0;

int nvmlInit_v2() {
    return 0;
}

int nvmlShutdown() {
    return 0;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char* busId, void** device) {
    *device = std::strcmp(busId, "0000:65:00.0") == 0 ? &whole : &part;
    return std::strncmp(busId, "0000:", 5) == 0 ? 0 : 6;
}

int nvmlDeviceGetUtilizationRates(void* device, Utilization* utilization) {
    *utilization = {93, 40};
    return device == &whole ? 0 : 3;
}

int nvmlDeviceGetMemoryInfo(void*, Memory* memory) {
    *memory = {25'000'000'000, 4'000'000'000, 21'000'000'000};
    return 0;
}
}
