#include "core/linalg/device.h"

#include <ATen/Context.h>
#include <c10/util/Exception.h>

#include "core/base/error.h"

namespace caldera {

torch::Device deviceOf(const std::string& name) {
    if (name == "cpu") {
        return torch::kCPU;
    }
    if (name != "cuda" && !name.starts_with("cuda:")) {
        throw Error("device.unknown",
                    "The device \"" + name + "\" is unknown: \"cpu\" or \"cuda\" was needed.",
                    {{"device", name}});
    }
    if (!at::hasCUDA()) {
        throw Error("device.missing",
                    "The device \"" + name +
                        "\" was asked for, but LibTorch finds no CUDA device: this build has no "
                        "CUDA, the driver is too old, or the machine has no NVIDIA GPU. Use "
                        "\"cpu\", or see packaging/bootstrap.sh for a CUDA build.",
                    {{"device", name}});
    }
    try {
        return torch::Device(name);
    } catch (const c10::Error&) {
        throw Error("device.unknown",
                    "The device \"" + name +
                        "\" cannot be read: \"cuda\" or \"cuda:0\" was needed.",
                    {{"device", name}});
    }
}

} // namespace caldera
