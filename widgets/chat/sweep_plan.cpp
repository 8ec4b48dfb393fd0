#include "widgets/chat/sweep_plan.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>

#include "widgets/support/number_text.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

struct Texts {
    Q_DECLARE_TR_FUNCTIONS(SweepPlan)
};

/// The measured point that is nearest by ratio.
const SweepPoint& nearest(const SweepRun& run, int prompt, int chats) {
    const auto distance = [&](const SweepPoint& point) {
        return std::abs(std::log(static_cast<double>(prompt) / point.promptTokens)) +
               std::abs(std::log(static_cast<double>(chats) / point.chats));
    };
    return *std::min_element(
        run.points.begin(), run.points.end(),
        [&](const SweepPoint& a, const SweepPoint& b) { return distance(a) < distance(b); });
}

QString placeText(const SweepPoint& point) {
    return Texts::tr("%n chat(s)", nullptr, point.chats) + u' ' +
           Texts::tr("after %1 tokens").arg(countText(point.promptTokens));
}

QString percentText(double change) {
    return Texts::tr("%1 %").arg(figureText(100 * std::abs(change)));
}

} // namespace

std::optional<QList<int>> countsOf(const QString& text, int most) {
    QList<int> counts;
    for (const QString& word : text.split(u',')) {
        bool isNumber = false;
        const int count = word.trimmed().toInt(&isNumber);
        if (!isNumber || count < 1 || count > most) {
            return std::nullopt;
        }
        if (!counts.contains(count)) {
            counts.append(count);
        }
    }
    return counts;
}

QString countsText(const QList<int>& counts) {
    QStringList words;
    for (const int count : counts) {
        words.append(QString::number(count));
    }
    return words.join(u", "_s);
}

QStringList SweepPlan::arguments() const {
    const auto list = [](const QList<int>& counts) { return countsText(counts).remove(u' '); };
    return {u"--prompts"_s, list(prompts), u"--chats"_s,
            list(chats),    u"--tokens"_s, QString::number(tokens)};
}

std::optional<double> SweepPlan::seconds(const SweepRun& measured) const {
    if (measured.points.isEmpty()) {
        return std::nullopt;
    }
    double sum = 0;
    for (const int prompt : prompts) {
        for (const int count : chats) {
            const SweepPoint& point = nearest(measured, prompt, count);
            sum += count * (prompt / point.promptSpeed + tokens / point.speed);
        }
    }
    return std::isfinite(sum) ? std::optional(sum) : std::nullopt;
}

QString changeText(const SweepRun& run, const SweepRun& before) {
    int slower = 0;
    int faster = 0;
    int compared = 0;
    double most = 0;
    const SweepPoint* changed = nullptr;
    for (const SweepPoint& point : run.points) {
        const std::optional<double> change = speedChange(point, before);
        compared += change ? 1 : 0;
        slower += change && *change < -kSpeedNoise ? 1 : 0;
        faster += change && *change > kSpeedNoise ? 1 : 0;
        if (change && std::abs(*change) > std::abs(most)) {
            most = *change;
            changed = &point;
        }
    }
    if (compared == 0) {
        return Texts::tr("None of these points was measured then.");
    }
    if (slower + faster == 0) {
        return Texts::tr("No point changed by more than %1, which is noise on a machine in use.")
            .arg(percentText(kSpeedNoise));
    }
    const QString way = most < 0 ? Texts::tr("slower") : Texts::tr("faster");
    return Texts::tr("Of %1 points %2 became slower and %3 faster by more than %4; most of all %5, "
                     "%6 %7.")
        .arg(QString::number(compared), QString::number(slower), QString::number(faster),
             percentText(kSpeedNoise), placeText(*changed), percentText(most), way);
}

} // namespace caldera::studio
