#include "widgets/chat/scored_token.h"

#include <algorithm>
#include <cmath>

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

/// Least probability that counts for all other tokens together, so that logarithms stay finite.
constexpr double kLeastRest = 1e-9;

} // namespace

ScoredToken ScoredToken::fromJson(const QJsonObject& json) {
    ScoredToken token;
    token.id = json["id"_L1].toInt(-1);
    token.text = json["token"_L1].toString();
    token.logProbability = json["logprob"_L1].toDouble();
    for (const auto& value : json["top_logprobs"_L1].toArray()) {
        const QJsonObject top = value.toObject();
        token.likeliest.append(
            {top["id"_L1].toInt(-1), top["token"_L1].toString(), top["logprob"_L1].toDouble()});
    }
    return token;
}

QList<ScoredToken> ScoredToken::listFromJson(const QJsonArray& json) {
    QList<ScoredToken> tokens;
    for (const auto& value : json)
        tokens.append(fromJson(value.toObject()));
    return tokens;
}

std::optional<double> ScoredToken::logProbabilityOf(int token) const {
    if (token == id)
        return logProbability;
    const auto found = std::find_if(likeliest.begin(), likeliest.end(),
                                    [token](const Chance& chance) { return chance.id == token; });
    return found == likeliest.end() ? std::nullopt : std::optional(found->logProbability);
}

double leastDivergence(const ScoredToken& reference, const ScoredToken& subject) {
    double sum = 0;
    double referenceRest = 1;
    double subjectRest = 1;
    const auto count = [&](int token, double expected) {
        const std::optional<double> found = subject.logProbabilityOf(token);
        if (!found)
            return;
        sum += std::exp(expected) * (expected - *found);
        referenceRest -= std::exp(expected);
        subjectRest -= std::exp(*found);
    };
    bool isNamed = false;
    for (const ScoredToken::Chance& chance : reference.likeliest) {
        count(chance.id, chance.logProbability);
        isNamed = isNamed || chance.id == reference.id;
    }
    if (!isNamed)
        count(reference.id, reference.logProbability);
    if (referenceRest > kLeastRest)
        sum += referenceRest * std::log(referenceRest / std::max(kLeastRest, subjectRest));
    return std::max(0.0, sum);
}

qsizetype firstDifference(const QList<ScoredToken>& first, const QList<ScoredToken>& second) {
    const auto [a, b] =
        std::mismatch(first.begin(), first.end(), second.begin(), second.end(),
                      [](const ScoredToken& x, const ScoredToken& y) { return x.id == y.id; });
    return a == first.end() && b == second.end() ? -1 : a - first.begin();
}

} // namespace caldera::studio
