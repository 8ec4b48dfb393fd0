#include "app/cli/evaluate_output.h"

#include <array>
#include <cstdio>

#include "core/base/text.h"
#include "core/evaluate/evaluation_summary.h"

namespace caldera::cli {

namespace {

nlohmann::json toJson(const EvaluationRecord& record) {
    nlohmann::json json(record.numbers);
    for (const char* whole : {"tokens", "context", "seed", "questions", "cut", "bytes"}) {
        if (const auto found = record.numbers.find(whole); found != record.numbers.end()) {
            json[whole] = static_cast<int64_t>(found->second);
        }
    }
    for (const auto& [name, value] : record.facts) {
        if (!value.empty()) {
            json[name] = value;
        }
    }
    return json;
}

/// "95 %: 4.0512 to 4.1903", or why nobody knows.
std::string intervalText(const MeanInterval& interval, const char* single, int digits,
                         double unit = 1) {
    if (!interval.isKnown()) {
        return std::string("no interval from ") + single;
    }
    std::array<char, 80> text{};
    std::snprintf(text.data(), text.size(), "95 %%: %.*f to %.*f", digits, unit * interval.low,
                  digits, unit * interval.high);
    return text.data();
}

void printShare(const char* name, const MeanInterval& interval, const char* single) {
    std::printf("  %-21s %.2f %% (%s)\n", name, 100 * interval.mean,
                intervalText(interval, single, 2, 100).c_str());
}

void printComparison(const Evaluation& e, const std::string& reference) {
    const MeanInterval& ratio = e.intervals.at("perplexity_ratio");
    std::printf("  reference perplexity  %.4f (%s)\n", e.referencePerplexity, reference.c_str());
    std::printf("  perplexity ratio      %.5f (%s)\n", ratio.mean,
                intervalText(ratio, kOneBlock, 5).c_str());
    std::printf("  KL divergence         mean %.5f  median %.5f  99 %% %.4f  99.9 %% %.4f  "
                "max %.4f nats\n",
                e.klMean, e.klMedian, e.klP99, e.klP999, e.klMax);
    std::printf("                        mean: %s\n",
                intervalText(e.intervals.at("kl_mean"), kOneBlock, 5).c_str());
    if (e.klKeptError) {
        std::printf("                        +- %.5f because %s's predictions were kept in part\n",
                    *e.klKeptError, reference.c_str());
    }
    printShare("top-1 agreement", e.intervals.at("top1_agreement"), kOneBlock);
    printShare("top-5 agreement", e.intervals.at("top5_agreement"), kOneBlock);
}

void print(const EvaluateOutcome::Text& text) {
    const Evaluation& e = text.evaluation;
    const auto& facts = text.record.facts;
    std::printf("%s on %s: %lld tokens, context %d, %s\n", facts.at("subject").c_str(),
                facts.at("text").c_str(), static_cast<long long>(e.tokens), e.contextLength,
                durationText(e.seconds).c_str());
    std::printf("  perplexity            %.4f (%s)\n", e.perplexity,
                intervalText(e.intervals.at("perplexity"), kOneBlock, 4).c_str());
    if (text.unigram) {
        std::printf("  unigram baseline      %.4f\n", *text.unigram);
    }
    if (e.hasReference) {
        printComparison(e, facts.at("reference"));
    }
    if (!e.keptFolder.empty()) {
        std::printf("  kept predictions      %s\n", e.keptFolder.c_str());
    }
}

void printAccuracy(const char* name, const MeanInterval& interval) {
    printShare(name, interval, kOneQuestion);
}

void print(const EvaluateOutcome::Task& task) {
    const ChoiceEvaluation& e = task.evaluation;
    const auto& facts = task.record.facts;
    std::printf("%s on %s: %lld questions, %s\n", facts.at("subject").c_str(),
                facts.at("text").c_str(), static_cast<long long>(e.questions),
                durationText(e.seconds).c_str());
    printAccuracy("accuracy", e.subject.plain);
    printAccuracy("normalized by length", e.subject.normalized);
    if (e.reference) {
        std::printf("  against %s\n", facts.at("reference").c_str());
        printAccuracy("its accuracy", e.reference->plain);
        printAccuracy("its normalized", e.reference->normalized);
        printAccuracy("difference", e.difference->plain);
        printAccuracy("normalized difference", e.difference->normalized);
        std::printf("  %-21s %.2f %%\n", "same answers", 100 * *e.sameAnswers);
    }
    if (e.cut > 0) {
        std::printf("  %lld choices were longer than the model's context; their beginnings were "
                    "left out\n",
                    static_cast<long long>(e.cut));
    }
}

} // namespace

nlohmann::json toJson(const EvaluateOutcome& outcome) {
    nlohmann::json json = outcome.text ? toJson(outcome.text->record) : nlohmann::json::object();
    if (!outcome.tasks.empty()) {
        json["tasks"] = nlohmann::json::array();
        for (const EvaluateOutcome::Task& task : outcome.tasks) {
            nlohmann::json entry = toJson(task.record);
            entry["name"] = task.record.name;
            entry["log_likelihoods"] = task.evaluation.likelihoods;
            json["tasks"].push_back(std::move(entry));
        }
    }
    return json;
}

void printText(const EvaluateOutcome& outcome) {
    if (outcome.text) {
        print(*outcome.text);
    }
    for (const EvaluateOutcome::Task& task : outcome.tasks) {
        print(task);
    }
}

} // namespace caldera::cli
