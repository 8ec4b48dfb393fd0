#include "core/base/version.h"

namespace caldera {

std::string_view programVersion() {
    return CALDERA_VERSION;
}

} // namespace caldera
