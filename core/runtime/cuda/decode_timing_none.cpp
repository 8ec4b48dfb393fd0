#include "core/base/error.h"
#include "core/runtime/cuda/decode_timing.h"
#include "kernels/common/device.h"

namespace caldera {

DecodeTimings timeDecode(const DecodeShape& /*shape*/, const std::stop_token& /*stop*/) {
    throw Error("engine.no-cuda", kernels::cudaDevice().reason);
}

} // namespace caldera
