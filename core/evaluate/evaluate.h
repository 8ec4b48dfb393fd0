// What a model makes of a text: perplexity, and what was lost against a reference (protocol,
// formulas and error bounds: docs/evaluation.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/evaluate/bootstrap.h"
#include "core/evaluate/evaluation_work.h"
#include "core/evaluate/kept_rows.h"
#include "core/forward/transformer.h"
#include "core/job/progress.h"
#include "core/report/report.h"

namespace caldera {

/// Where a reference's predictions are kept, so that it runs once for a text. A run that was
/// killed goes on where it was.
struct KeepReference {
    std::filesystem::path root; ///< folders of many references and texts
    std::string name;           ///< of the reference
    std::string fingerprint;    ///< of the reference
    KeepSettings settings;
    /// Seconds between two copies of the states that a resumed run goes on from, at most.
    double checkpointSeconds = 60;
};

struct EvaluateRequest {
    std::shared_ptr<const TransformerWeights> subject;
    std::shared_ptr<const TransformerWeights> reference; ///< may be null: perplexity only
    std::shared_ptr<const Tokenizer> tokenizer;
    std::string text;
    int contextLength = 2048;
    int64_t maxTokens = 0; ///< 0: the whole text
    uint64_t seed = 1;     ///< of the intervals
    /// Hidden states held at once, per model; a longer text passes in parts, and each part reads
    /// (or decodes) every block again.
    int64_t hiddenBytes = int64_t{1} << 30;
    std::optional<KeepReference> keep = {}; ///< with a reference
    /// In the place of a reference: a folder where its predictions were kept. Empty: none.
    std::filesystem::path kept = {};
    EvaluationWork work = {}; ///< of a run that was killed, which this one goes on with
};

struct Evaluation {
    int64_t tokens = 0; ///< predicted
    double perplexity = 0;
    double perplexityError = 0; ///< one standard error, tokens taken as independent
    double referencePerplexity = 0;
    double klMean = 0, klMedian = 0, klP99 = 0, klP999 = 0,
           klMax = 0;         ///< nats, reference || subject
    double top1Agreement = 0; ///< 0 .. 1
    double top5Agreement = 0; ///< mean share of the five likeliest that both name, 0 .. 1
    /// By how much the mean divergence may be off because only a part of the reference's
    /// predictions was kept: 95 %, nats. Absent where both models ran.
    std::optional<double> klKeptError;
    /// 95 % intervals by the names of the numbers: "perplexity", "kl_mean", "top1_agreement",
    /// "top5_agreement", "perplexity_ratio" (of the subject's to the reference's).
    std::map<std::string, MeanInterval> intervals;
    /// Mean relative distance of a token's hidden state from the reference's after each block;
    /// empty without a reference of the same depth and width that ran.
    std::vector<double> hiddenError;
    int contextLength = 0;
    uint64_t seed = 0;
    double seconds = 0;
    bool hasReference = false;
    std::filesystem::path keptFolder; ///< of the reference's predictions; empty: not kept
    std::string keptName;             ///< of the model that they are of
};

/// Throws Error("evaluate.context") where no window can have so many tokens.
void requireContext(int contextLength, const ModelConfig& config);

/// Streams the models block by block. The same request gives the same bits again. Throws
/// Error("evaluate.*"): text too short, a context that the model does not have, vocabularies that
/// differ, logits that are no numbers, kept predictions of another text; Error("reference.*");
/// Cancelled.
Evaluation evaluate(const EvaluateRequest& request, Progress& progress,
                    const std::stop_token& stop);

/// Perplexity of a unigram model with add-one smoothing, fitted on `train`, over `heldOut`: the
/// baseline printed beside the demo model.
double unigramPerplexity(const Tokenizer& tokenizer, const std::string& train,
                         const std::string& heldOut);

EvaluationRecord toRecord(const std::string& name, const Evaluation& evaluation);

} // namespace caldera
