// Going on after a future on an object's own event loop, with success and failure apart.
#pragma once

#include <exception>
#include <optional>
#include <type_traits>

#include <QFuture>
#include <QObject>

#include "core/base/error.h"

namespace caldera::studio {

/// Calls `done` with the result (or with nothing, for void) or `failed` with the Error, later and
/// only while `context` lives. A future that was given up fails with Error("given-up").
template <class T, class Done, class Failed>
void whenDone(QFuture<T> future, QObject* context, Done done, Failed failed) {
    future.then(context, [done, failed](QFuture<T> ended) {
        using Value = std::conditional_t<std::is_void_v<T>, bool, T>;
        std::optional<Value> value;
        try {
            ended.waitForFinished(); // throws what the future holds
            if constexpr (std::is_void_v<T>)
                value = !ended.isCanceled() ? std::optional(true) : std::nullopt;
            else if (ended.resultCount() > 0)
                value = ended.result();
        } catch (const Error& error) {
            failed(error);
            return;
        } catch (const std::exception& error) {
            failed(Error("internal", error.what()));
            return;
        }
        if (!value)
            failed(Error("given-up", "Nobody answers this any more."));
        else if constexpr (std::is_void_v<T>)
            done();
        else
            done(*value);
    });
}

} // namespace caldera::studio
