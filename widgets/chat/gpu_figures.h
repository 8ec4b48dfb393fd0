// What an engine says of its GPU.
#pragma once

#include <QtGlobal>

namespace caldera::studio {

struct GpuFigures {
    double busy = -1; ///< share of the time in which it computes; negative: unknown
    qint64 usedBytes = 0;
    qint64 totalBytes = 0;
    qint64 engineBytes = 0; ///< of the used ones, the engine's
};

} // namespace caldera::studio
