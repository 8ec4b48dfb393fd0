#include "widgets/inspect_view/report_tables.h"

#include <QCoreApplication>

#include <algorithm>
#include <array>

#include "widgets/support/number_text.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

struct Tables {
    Q_DECLARE_TR_FUNCTIONS(Tables)
};

struct KnownName {
    const char* key;
    const char* text;
};

constexpr std::array kRunNames = {
    KnownName{"model", QT_TRANSLATE_NOOP("Tables", "Model")},
    KnownName{"fingerprint", QT_TRANSLATE_NOOP("Tables", "Fingerprint")},
    KnownName{"command", QT_TRANSLATE_NOOP("Tables", "Command")},
    KnownName{"device", QT_TRANSLATE_NOOP("Tables", "Device")},
    KnownName{"date", QT_TRANSLATE_NOOP("Tables", "Date")},
    KnownName{"version", QT_TRANSLATE_NOOP("Tables", "Version")},
    KnownName{"calibration", QT_TRANSLATE_NOOP("Tables", "Calibration")},
    KnownName{"seconds", QT_TRANSLATE_NOOP("Tables", "Seconds")},
};
constexpr std::array kNumberNames = {
    KnownName{"perplexity", QT_TRANSLATE_NOOP("Tables", "Perplexity")},
    KnownName{"perplexity_error", QT_TRANSLATE_NOOP("Tables", "Standard error of the perplexity")},
    KnownName{"reference_perplexity", QT_TRANSLATE_NOOP("Tables", "Perplexity of the original")},
    KnownName{"unigram_perplexity", QT_TRANSLATE_NOOP("Tables", "Perplexity of a unigram model")},
    KnownName{"kl_mean", QT_TRANSLATE_NOOP("Tables", "KL divergence, mean, nats")},
    KnownName{"kl_median", QT_TRANSLATE_NOOP("Tables", "KL divergence, median")},
    KnownName{"kl_p99", QT_TRANSLATE_NOOP("Tables", "KL divergence, 99th percentile")},
    KnownName{"kl_p999", QT_TRANSLATE_NOOP("Tables", "KL divergence, 99.9th percentile")},
    KnownName{"kl_max", QT_TRANSLATE_NOOP("Tables", "KL divergence, largest")},
    KnownName{"top1_agreement", QT_TRANSLATE_NOOP("Tables", "Same first choice as the original")},
    KnownName{"tokens", QT_TRANSLATE_NOOP("Tables", "Tokens predicted")},
    KnownName{"context", QT_TRANSLATE_NOOP("Tables", "Context length")},
};

template <typename Names>
QString nameOf(const Names& names, const std::string& key) {
    for (const KnownName& known : names) {
        if (key == known.key) {
            return Tables::tr(known.text);
        }
    }
    return QString::fromStdString(key);
}

template <typename Names>
bool names(const Names& known, const std::string& key) {
    return std::ranges::any_of(known, [&](const KnownName& name) { return key == name.key; });
}

QString numberOf(const std::string& key, double value) {
    if (key == "tokens" || key == "context" || key == "context_length") {
        return countText(static_cast<int64_t>(value));
    }
    if (key == "top1_agreement") {
        return Tables::tr("%1 %").arg(figureText(value * 100, 4));
    }
    if (key == "seconds") {
        return spanText(value);
    }
    return figureText(value, 5);
}

void addTotals(QList<Fact>& facts, const Report& report) {
    if (report.cells.empty()) {
        return;
    }
    int64_t bytes = 0;
    double seconds = 0;
    double errors = 0;
    double worst = 0;
    Cell worstCell;
    for (const auto& [cell, measured] : report.cells) {
        bytes += measured.bytes;
        seconds += measured.seconds;
        errors += measured.relativeError;
        if (measured.relativeError > worst) {
            worst = measured.relativeError;
            worstCell = cell;
        }
    }
    const auto count = static_cast<int64_t>(report.cells.size());
    facts.append({Tables::tr("Cells"), countText(count), {}});
    facts.append({Tables::tr("Mean relative error"),
                  figureText(errors / static_cast<double>(count), 4),
                  {}});
    facts.append({Tables::tr("Largest relative error"),
                  Tables::tr("%1 in %2")
                      .arg(figureText(worst, 4), QString::fromStdString(cellName(worstCell))),
                  {}});
    if (bytes > 0) {
        facts.append({Tables::tr("Bytes of the cells"), sizeText(bytes), countText(bytes)});
    }
    if (seconds > 0) {
        facts.append({Tables::tr("Time in the cells"), spanText(seconds), {}});
    }
}

} // namespace

QList<Fact> runFacts(const Report& report) {
    QList<Fact> facts;
    addTotals(facts, report);
    for (const KnownName& known : kRunNames) {
        if (const auto found = report.run.find(known.key);
            found != report.run.end() && !found->second.empty()) {
            facts.append({Tables::tr(known.text), QString::fromStdString(found->second), {}});
        }
    }
    for (const auto& [key, value] : report.run) {
        if (!names(kRunNames, key) && !value.empty()) {
            facts.append({QString::fromStdString(key), QString::fromStdString(value), {}});
        }
    }
    return facts;
}

QList<Fact> evaluationFacts(const std::vector<EvaluationRecord>& evaluations) {
    QList<Fact> facts;
    for (auto record = evaluations.rbegin(); record != evaluations.rend(); ++record) {
        facts.append({Tables::tr("Text"), QString::fromStdString(record->name), {}});
        for (const KnownName& known : kNumberNames) {
            if (const auto found = record->numbers.find(known.key);
                found != record->numbers.end()) {
                facts.append({Tables::tr(known.text), numberOf(found->first, found->second), {}});
            }
        }
        for (const auto& [key, value] : record->numbers) {
            if (!names(kNumberNames, key)) {
                facts.append({QString::fromStdString(key), numberOf(key, value), {}});
            }
        }
        for (const auto& [key, value] : record->facts) {
            if (!value.empty() && key != "text") {
                facts.append({nameOf(kRunNames, key), QString::fromStdString(value), {}});
            }
        }
    }
    return facts;
}

} // namespace caldera::studio
