#include "core/base/error.h"
#include "core/runtime/cuda/decode_timing.h"
#include "kernels/common/device.h"

namespace caldera {

DecodeTimings timeDecode(const DecodeShape& /*shape*/) {
    throw Error("engine.no-cuda", kernels::cudaDevice().reason);
}

} // namespace caldera
