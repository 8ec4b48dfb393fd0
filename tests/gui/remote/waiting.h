// Waiting for a future while the event loop turns.
#pragma once

#include <QFuture>
#include <QTest>

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace caldera::studio {

inline constexpr int kWaitLimit = 20'000; // ms

/// Its result; throws what it holds, and fails the test when it takes too long.
template <class T>
T resultOf(QFuture<T> future) {
    EXPECT_TRUE(QTest::qWaitFor([&] { return future.isFinished(); }, kWaitLimit));
    if constexpr (std::is_void_v<T>)
        future.waitForFinished();
    else
        return future.result();
}

/// The error that it ends with; one with an empty code when it succeeds.
template <class T>
Error errorOf(QFuture<T> future) {
    try {
        (void)resultOf(future);
    } catch (const Error& error) {
        return error;
    }
    return Error("", "");
}

} // namespace caldera::studio
