// What a request to the model comes to: one document, or events as they are made.
#pragma once

#include <functional>
#include <stop_token>

#include <nlohmann/json.hpp>

#include "core/runtime/engine.h"

namespace caldera {

/// Given once, on the connection's thread.
class Answer {
public:
    virtual ~Answer() = default;

    virtual bool isStreamed() const = 0;
    /// Gives each document to emit, which returns false when nobody reads any more. None comes
    /// after a cancellation.
    using Emit = std::function<bool(const nlohmann::json&)>;
    virtual void stream(Engine& engine, const Emit& emit, const std::stop_token& cancel) = 0;
    /// Throws Cancelled.
    virtual nlohmann::json whole(Engine& engine, const std::stop_token& cancel) = 0;
};

} // namespace caldera
