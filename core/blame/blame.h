// Which cells of a compressed model moved the probability of one token: each cell's original
// weights are put back, one cell at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/forward/transformer.h"
#include "core/job/progress.h"
#include "core/report/report.h"

namespace caldera {

struct BlameRequest {
    std::shared_ptr<const TransformerWeights> subject;  ///< compressed
    std::shared_ptr<const TransformerWeights> original; ///< what it was made from
    std::vector<Token> tokens;                          ///< at least two
    /// Index in `tokens` of the token that is explained, from 1. Nothing: the one whose
    /// log-probability the compression lowered most, among those from `firstPlace` on.
    std::optional<int64_t> place;
    int64_t firstPlace = 1;
    /// Index in `tokens` of the one that people count as the first: after a begin token, or the
    /// beginning of an answer.
    int64_t origin = 0;
    /// Bytes of states of the cells that pass together; more layers' cells at once read the model
    /// less often.
    int64_t variantBytes = int64_t{1} << 30;
    /// Finished layers, for a run that goes on; empty: kept nowhere.
    std::filesystem::path work{};
    std::string key; ///< of both models, for finished layers
};

struct Blame {
    int64_t place = 0;      ///< see BlameRequest
    int64_t number = 0;     ///< of the token as people count, from 1
    int64_t candidates = 0; ///< tokens among which it lost most; 0: it was asked for
    Token token = 0;
    double originalLog = 0; ///< log-probability of the token, nats
    double subjectLog = 0;
    /// What the log-probability gains when the cell is swapped back, nats; below 0: its error
    /// happens to help.
    std::map<Cell, double> gains;
    double embeddingGain = 0; ///< of the embeddings
    double headGain = 0;      ///< of the head
};

/// Throws Error("blame.models", "blame.place", "blame.tokens") for what findBlame() would refuse.
void checkBlame(const BlameRequest& request);

/// Streams both models layer by layer; each span of layers that is measured together passes once.
/// Emits a "cell" event {metric, layer, module, value, reused} for each cell. Throws
/// as checkBlame() does, Error("blame.not-finite"); Cancelled.
Blame findBlame(const BlameRequest& request, Progress& progress, const std::stop_token& stop);

/// As the metric kBlameMetric of a report: gains by cell, everything else as numbers. `text` is the
/// token.
FidelityMetric toMetric(const Blame& blame, const std::string& text);

} // namespace caldera
