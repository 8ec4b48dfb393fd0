// What a call complains of, for tests that look at code and sentence.
#pragma once

#include <string>

#include "core/base/error.h"

namespace caldera {

struct Complaint {
    std::string code; ///< "(none)" when nothing was thrown
    std::string sentence;
};

template <class Body>
Complaint complaintOf(Body body) {
    try {
        body();
    } catch (const Error& e) {
        return {e.code(), e.what()};
    }
    return {"(none)", ""};
}

} // namespace caldera
