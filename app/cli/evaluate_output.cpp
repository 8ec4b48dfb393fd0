#include "app/cli/evaluate_output.h"

#include <cstdio>

#include "core/base/text.h"

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

void printComparison(const Evaluation& e, const std::string& reference) {
    const MeanInterval& ratio = e.intervals.at("perplexity_ratio");
    const MeanInterval& kl = e.intervals.at("kl_mean");
    const MeanInterval& top1 = e.intervals.at("top1_agreement");
    const MeanInterval& top5 = e.intervals.at("top5_agreement");
    std::printf("  reference perplexity  %.4f (%s)\n", e.referencePerplexity, reference.c_str());
    std::printf("  perplexity ratio      %.5f (95 %%: %.5f to %.5f)\n", ratio.mean, ratio.low,
                ratio.high);
    std::printf("  KL divergence         mean %.5f  median %.5f  99 %% %.4f  99.9 %% %.4f  "
                "max %.4f nats\n",
                e.klMean, e.klMedian, e.klP99, e.klP999, e.klMax);
    std::printf("                        mean 95 %%: %.5f to %.5f\n", kl.low, kl.high);
    if (e.klKeptError) {
        std::printf("                        +- %.5f because %s's predictions were kept in part\n",
                    *e.klKeptError, reference.c_str());
    }
    std::printf("  top-1 agreement       %.2f %% (95 %%: %.2f to %.2f)\n", 100 * top1.mean,
                100 * top1.low, 100 * top1.high);
    std::printf("  top-5 agreement       %.2f %% (95 %%: %.2f to %.2f)\n", 100 * top5.mean,
                100 * top5.low, 100 * top5.high);
}

void print(const EvaluateOutcome::Text& text) {
    const Evaluation& e = text.evaluation;
    const auto& facts = text.record.facts;
    const MeanInterval& perplexity = e.intervals.at("perplexity");
    std::printf("%s on %s: %lld tokens, context %d, %s\n", facts.at("subject").c_str(),
                facts.at("text").c_str(), static_cast<long long>(e.tokens), e.contextLength,
                durationText(e.seconds).c_str());
    std::printf("  perplexity            %.4f (95 %%: %.4f to %.4f)\n", e.perplexity,
                perplexity.low, perplexity.high);
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
    std::printf("  %-21s %.2f %% (95 %%: %.2f to %.2f)\n", name, 100 * interval.mean,
                100 * interval.low, 100 * interval.high);
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
