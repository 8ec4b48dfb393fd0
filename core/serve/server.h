// OpenAI-compatible HTTP over one engine, bound to loopback.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "core/job/progress.h"
#include "core/runtime/engine.h"

namespace caldera {

struct ServeOptions {
    std::string host = "127.0.0.1";
    int port = 0; ///< 0: any free one
};

/// GET /v1/models, POST /v1/chat/completions (plain and "stream": true, with a `caldera` object of
/// GenerationStatistics in the last chunk), GET /health. Requests queue for the engine; a client
/// that goes away cancels its request. Checks Host and Origin, bounds bodies to 8 MiB. The first
/// event is "hello" {host, port, model}. Returns when `stop` is requested.
void serve(std::shared_ptr<Engine> engine, const ServeOptions& options, Progress& progress,
           const std::stop_token& stop);

} // namespace caldera
