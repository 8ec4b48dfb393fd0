// A token of an answer with what a model thought there, and how two models differ on it.
#pragma once

#include <QJsonArray>
#include <QJsonObject>
#include <QList>
#include <QString>

#include <optional>

namespace caldera::studio {

struct ScoredToken {
    int id = -1;
    QString text; ///< U+FFFD for parts of characters
    double logProbability = 0;

    struct Chance {
        int id = -1;
        QString text;
        double logProbability = 0;
        bool operator==(const Chance&) const = default;
    };
    QList<Chance> likeliest; ///< likeliest first

    /// An element of OpenAI's "logprobs" or of `caldera.scores`.
    static ScoredToken fromJson(const QJsonObject& json);
    static QList<ScoredToken> listFromJson(const QJsonArray& json);
    /// Known for the token itself and the likeliest ones.
    std::optional<double> logProbabilityOf(int token) const;
    bool operator==(const ScoredToken&) const = default;
};

/// KL divergence of the subject from the reference at one place, nats, at least: tokens that both
/// name count one by one, all others together, which can only make it smaller. Both are of the
/// same token after the same text.
double leastDivergence(const ScoredToken& reference, const ScoredToken& subject);

/// The first place where two answers take different tokens, or where one of them ends; -1 when
/// they are the same.
qsizetype firstDifference(const QList<ScoredToken>& first, const QList<ScoredToken>& second);

} // namespace caldera::studio
