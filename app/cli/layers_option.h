// The option --layers A:B.
#pragma once

#include <string>

#include "core/compress/shard.h"

namespace caldera::cli {

/// "4:8"; whether a model has them is not asked. Throws UsageError("compress.layers").
LayerRange parseLayers(const std::string& text);

} // namespace caldera::cli
