// What a test expects to fail.
#pragma once

#include <functional>
#include <string>

#include "core/base/error.h"

namespace caldera::test {

/// The code of the Error that `body` throws; empty when it throws none.
inline std::string codeOf(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& e) {
        return e.code();
    }
    return "";
}

} // namespace caldera::test
