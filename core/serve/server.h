// OpenAI-compatible HTTP over one engine, on loopback unless told otherwise (docs/serve.md).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/job/progress.h"
#include "core/runtime/engine.h"
#include "core/runtime/gpu_use.h"
#include "core/serve/swaps.h"

namespace caldera {

struct ServeOptions {
    std::string host = "127.0.0.1";
    int port = 0;                     ///< 0: any free one
    std::string token;                ///< that every request must bear; not empty
    std::vector<std::string> names{}; ///< others than the host's that it is reached by
    /// Measures what the machine's memory gives, bytes a second, for clients that draw a limit;
    /// called once, when it is first asked for and no answer is being made. Empty: unknown.
    std::function<double()> measureReadBandwidth{};
    /// How busy the engine's GPU is, asked with each request for statistics. Empty: there is none.
    std::function<std::optional<GpuUse>()> gpuUse{};
    SwapPlaces swaps{};
    /// Called once with the real port and where that is, when connections are accepted.
    std::function<void(int port, const std::string& url)> onListening;
};

/// GET /v1/models, POST /v1/chat/completions (plain and "stream": true, with a `caldera` object of
/// GenerationStatistics in the last chunk), GET /health, GET /caldera/v1/statistics, POST
/// /caldera/v1/scores, /caldera/v1/swaps. The engine answers several requests at once and lets
/// others wait, up to a bound; a client that goes away cancels its request. Checks the token, Host
/// and Origin, bounds bodies to 8 MiB. When it listens, a "log" event has {message, host, port,
/// url}. Returns when `stop` is requested. Throws Error("serve.port") when the address cannot be
/// opened.
void serve(std::shared_ptr<Engine> engine, const ServeOptions& options, Progress& progress,
           const std::stop_token& stop);

} // namespace caldera
