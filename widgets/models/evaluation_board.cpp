#include "widgets/models/evaluation_board.h"

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>

#include <algorithm>
#include <exception>
#include <set>

#include "core/base/find_value.h"
#include "core/base/text.h"
#include "core/report/kept_reports.h"
#include "widgets/support/csv_field.h"
#include "widgets/support/failure.h"
#include "widgets/support/number_text.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

struct Texts {
    Q_DECLARE_TR_FUNCTIONS(Texts)
};

QString fact(const Report& report, const char* name) {
    return QString::fromStdString(findValue(report.run, name).value_or(""));
}

void addFile(const QString& path, Board& board) {
    try {
        const Report report = readReport(path.toStdString());
        for (const EvaluationRecord& record : report.evaluations) {
            board.entries.append(
                {fact(report, "model"), fact(report, "fingerprint"), fact(report, "date"), record});
        }
    } catch (const std::exception& error) {
        board.problems.append(describeFailure(error).sentence);
    }
}

/// "KL 0.0412 (0.0371 to 0.0450)".
QString withInterval(const BoardNumber& number, const Estimate& estimate) {
    const QString value = estimateText(number, estimate);
    if (!estimate.low || !estimate.high) {
        return value;
    }
    return Texts::tr("%1 (%2 to %3)")
        .arg(value, estimateText(number, {*estimate.low, {}, {}}),
             estimateText(number, {*estimate.high, {}, {}}));
}

} // namespace

QString BoardEntry::title() const {
    constexpr int kHashDigits = 8; // enough to tell two artifacts apart
    return hash.isEmpty() ? model : model + u" · "_s + hash.left(kHashDigits);
}

Board readBoard() {
    Board board;
    const QFileInfo any(QString::fromStdString(keptEvaluations("any").string()));
    for (const QFileInfo& file : any.dir().entryInfoList({u"*.h5"_s}, QDir::Files, QDir::Time)) {
        addFile(file.absoluteFilePath(), board);
    }
    return board;
}

std::optional<Estimate> estimateOf(const EvaluationRecord& record, const std::string& number) {
    const auto value = findValue(record.numbers, number);
    if (!value) {
        return std::nullopt;
    }
    return Estimate{*value, findValue(record.numbers, number + "_low"),
                    findValue(record.numbers, number + "_high")};
}

const std::vector<BoardNumber>& boardNumbers() {
    static const std::vector<BoardNumber> numbers = {
        {"kl_mean", Texts::tr("KL mean"),
         Texts::tr("KL divergence from the original, nats a token"), true, false, true},
        {"kl_p99", Texts::tr("KL 99 %"), Texts::tr("Of 100 tokens the worst is beyond this"), true,
         false, true},
        {"kl_max", Texts::tr("KL max"), Texts::tr("Of the worst token"), true, false, true},
        {"perplexity", Texts::tr("Perplexity"), Texts::tr("On this text, at this context"), true,
         false},
        {"perplexity_ratio", Texts::tr("Ratio"),
         Texts::tr("Perplexity over that of the original on the same tokens"), true, false, true},
        {"top1_agreement", Texts::tr("Top 1"), Texts::tr("Same likeliest token as the original"),
         false, true, true},
        {"top5_agreement", Texts::tr("Top 5"), Texts::tr("Shared of the five likeliest tokens"),
         false, true, true},
        {"accuracy", Texts::tr("Accuracy"), Texts::tr("Questions answered rightly"), false, true},
        {"accuracy_normalized", Texts::tr("Normalized"),
         Texts::tr("The same, with scores divided by the length of the answer"), false, true}};
    return numbers;
}

QString estimateText(const BoardNumber& number, const Estimate& estimate) {
    return number.isShare ? Texts::tr("%1 %").arg(figureText(estimate.value * 100, 4))
                          : figureText(estimate.value, 4);
}

bool compares(const BoardNumber& number, const EvaluationRecord& first,
              const EvaluationRecord& second) {
    const auto sameNumber = [&](const char* name) {
        return findValue(first.numbers, name) == findValue(second.numbers, name);
    };
    const auto sameFact = [&](const char* name) {
        const auto here = findValue(first.facts, name);
        const auto there = findValue(second.facts, name);
        return !here || !there || *here == *there; // earlier versions noted less
    };
    return first.name == second.name && sameNumber("tokens") && sameNumber("context") &&
           sameNumber("questions") && sameFact(kTextHash) &&
           (!number.ofOriginal || sameFact("reference"));
}

const BoardEntry* bestOf(const QList<BoardEntry>& entries, const BoardNumber& number,
                         const EvaluationRecord& like) {
    const BoardEntry* best = nullptr;
    double least = 0;
    for (const BoardEntry& entry : entries) {
        const auto estimate = estimateOf(entry.record, number.key);
        if (!compares(number, entry.record, like) || !estimate) {
            continue;
        }
        const double cost = number.lessIsBetter ? estimate->value : -estimate->value;
        if (best == nullptr || cost < least) {
            best = &entry;
            least = cost;
        }
    }
    return best;
}

QString boardCsv(const QList<BoardEntry>& entries) {
    std::set<std::string> names;
    for (const BoardEntry& entry : entries) {
        for (const auto& [name, value] : entry.record.numbers) {
            names.insert(name);
        }
    }
    QString text = u"model,artifact,date,evaluation"_s;
    for (const std::string& name : names) {
        text += u',' + QString::fromStdString(name);
    }
    text += u'\n';
    for (const BoardEntry& entry : entries) {
        text += csvField(entry.model) + u',' + csvField(entry.hash) + u',' + csvField(entry.date) +
                u',' + csvField(QString::fromStdString(entry.record.name));
        for (const std::string& name : names) {
            const auto value = findValue(entry.record.numbers, name);
            text += u',' + (value ? QString::fromStdString(numberText(*value)) : QString());
        }
        text += u'\n';
    }
    return text;
}

QString comparisonText(const BoardNumber& number, const BoardEntry& first,
                       const BoardEntry& second) {
    const auto here = estimateOf(first.record, number.key);
    const auto there = estimateOf(second.record, number.key);
    if (!here || !there) {
        return Texts::tr("%1 is not measured for both.").arg(number.title);
    }
    const QString figures = Texts::tr("%1: %2 has %3, %4 has %5.")
                                .arg(number.title, first.title(), withInterval(number, *here),
                                     second.title(), withInterval(number, *there));
    if (!here->low || !here->high || !there->low || !there->high) {
        return figures + u' ' + Texts::tr("Without intervals nobody knows how much is chance.");
    }
    const bool apart = *here->low > *there->high || *there->low > *here->high;
    if (!apart) {
        return figures + u' ' + Texts::tr("The intervals overlap: this may be chance.");
    }
    const bool firstIsBetter = (here->value < there->value) == number.lessIsBetter;
    return figures + u' ' +
           Texts::tr("%1 is better; the intervals lie apart.")
               .arg(firstIsBetter ? first.title() : second.title());
}

} // namespace caldera::studio
