// Perplexity, KL divergence and top-1 agreement on a text (research protocol: the text is tokenized
// once, cut into non-overlapping windows, every predicted token counts).
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/forward/transformer.h"
#include "core/job/progress.h"
#include "core/report/report.h"

namespace caldera {

struct EvaluateRequest {
    std::shared_ptr<const TransformerWeights> subject;
    std::shared_ptr<const TransformerWeights> reference; ///< may be null: perplexity only
    std::shared_ptr<const Tokenizer> tokenizer;
    std::string text;
    int contextLength = 2048;
    int64_t maxTokens = 0; ///< 0: the whole text
    /// Hidden states held at once, per model; a longer text passes in parts, and each part reads
    /// (or decodes) every block again.
    int64_t hiddenBytes = int64_t{1} << 30;
};

struct Evaluation {
    int64_t tokens = 0; ///< predicted
    double perplexity = 0;
    double perplexityError = 0; ///< one standard error, tokens taken as independent
    double referencePerplexity = 0;
    double klMean = 0, klMedian = 0, klP99 = 0, klP999 = 0,
           klMax = 0;         ///< nats, reference || subject
    double top1Agreement = 0; ///< 0 .. 1
    /// Mean relative distance of a token's hidden state from the reference's after each block;
    /// empty without a reference of the same depth and width.
    std::vector<double> hiddenError;
    int contextLength = 0;
    double seconds = 0;
    bool hasReference = false;
};

/// Streams both models block by block (protocol, formulas and error bounds: docs/evaluation.md).
/// The same request gives the same bits again. Throws Error("evaluate.*"): text too short, a
/// context that the model does not have, vocabularies that differ, logits that are no numbers;
/// Cancelled.
Evaluation evaluate(const EvaluateRequest& request, Progress& progress,
                    const std::stop_token& stop);

/// Value at `fraction` (0 .. 1) of ascending values, linear between neighbours.
double percentile(std::span<const double> ascending, double fraction);

/// Perplexity of a unigram model with add-one smoothing, fitted on `train`, over `heldOut`: the
/// baseline printed beside the demo model.
double unigramPerplexity(const Tokenizer& tokenizer, const std::string& train,
                         const std::string& heldOut);

EvaluationRecord toRecord(const std::string& name, const Evaluation& evaluation);

} // namespace caldera
