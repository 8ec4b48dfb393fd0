#include "core/evaluate/choice_sequences.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/forward/transformer.h"

namespace caldera {

namespace {

ChoiceSequence sequenceOf(const Choice& choice, const Tokenizer& tokenizer, size_t limit) {
    ChoiceSequence sequence;
    const std::vector<Token> context = tokenizer.encode(choice.context);
    sequence.tokens = tokenizer.encode(choice.context + choice.continuation);
    if (sequence.tokens.size() < 2) { // both melt into one token, which has nothing before it
        const std::vector<Token> continuation = tokenizer.encode(choice.continuation);
        sequence.tokens = context;
        sequence.tokens.insert(sequence.tokens.end(), continuation.begin(), continuation.end());
    }
    const size_t size = sequence.tokens.size();
    // A continuation may melt into the last token of its context.
    const size_t begin = std::min(context.size(), size - 1);
    const size_t cut = size > limit ? size - limit : 0;
    sequence.isCut = cut > 0;
    sequence.tokens.erase(sequence.tokens.begin(),
                          sequence.tokens.begin() + static_cast<std::ptrdiff_t>(cut));
    sequence.begin = std::max<size_t>(1, begin > cut ? begin - cut : 0);
    return sequence;
}

ChoiceBatch batchOf(const std::vector<ChoiceSequence>& sequences, size_t first, size_t count) {
    const auto rows = static_cast<int64_t>(count);
    const auto length = static_cast<int64_t>(sequences[first + count - 1].tokens.size()) - 1;
    ChoiceBatch batch{first, at::zeros({rows, length}, at::kLong), {}, {}};
    auto* tokens = batch.tokens.data_ptr<int64_t>();
    std::vector<int64_t> places;
    std::vector<int64_t> targets;
    for (int64_t row = 0; row < rows; ++row) {
        const ChoiceSequence& sequence = sequences[first + static_cast<size_t>(row)];
        std::copy(sequence.tokens.begin(), sequence.tokens.end() - 1, tokens + row * length);
        for (size_t place = sequence.begin; place < sequence.tokens.size(); ++place) {
            places.push_back(row * length + static_cast<int64_t>(place) - 1);
            targets.push_back(sequence.tokens[place]);
        }
    }
    batch.places = at::tensor(places, at::kLong);
    batch.targets = at::tensor(targets, at::kLong);
    return batch;
}

} // namespace

std::vector<ChoiceSequence> choiceSequences(const std::vector<Question>& questions,
                                            const Tokenizer& tokenizer, int maxPositions) {
    const size_t limit = maxPositions > 0 ? static_cast<size_t>(maxPositions) + 1 : SIZE_MAX;
    std::vector<ChoiceSequence> sequences;
    for (size_t question = 0; question < questions.size(); ++question) {
        const std::vector<Choice>& choices = questions[question].choices;
        for (size_t choice = 0; choice < choices.size(); ++choice) {
            sequences.push_back(sequenceOf(choices[choice], tokenizer, limit));
            sequences.back().question = question;
            sequences.back().choice = choice;
        }
    }
    std::stable_sort(sequences.begin(), sequences.end(), [](const auto& a, const auto& b) {
        return a.tokens.size() < b.tokens.size();
    });
    return sequences;
}

std::vector<std::vector<ChoiceBatch>> choiceBatches(const std::vector<ChoiceSequence>& sequences,
                                                    const ModelConfig& config,
                                                    int64_t hiddenBytes) {
    /// Of a sequence's length, as padding that is worth a larger batch.
    constexpr size_t kPaddedShare = 8;
    const int64_t tokenBytes = int64_t{config.hiddenSize} * static_cast<int64_t>(sizeof(float));
    std::vector<std::vector<ChoiceBatch>> groups;
    int64_t held = 0;
    for (size_t first = 0; first < sequences.size();) {
        const size_t shortest = sequences[first].tokens.size();
        size_t end = first + 1;
        const auto together =
            static_cast<size_t>(sequencesPerSlice(static_cast<int64_t>(shortest)));
        while (end < sequences.size() && end - first < together &&
               sequences[end].tokens.size() <= shortest + shortest / kPaddedShare) {
            ++end;
        }
        ChoiceBatch batch = batchOf(sequences, first, end - first);
        const int64_t bytes = batch.tokens.numel() * tokenBytes;
        if (groups.empty() || held + bytes > hiddenBytes) {
            groups.emplace_back();
            held = 0;
        }
        held += bytes;
        groups.back().push_back(std::move(batch));
        first = end;
    }
    return groups;
}

} // namespace caldera
