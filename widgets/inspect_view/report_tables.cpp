#include "widgets/inspect_view/report_tables.h"

#include <QCoreApplication>

#include <algorithm>
#include <array>

#include "core/report/report_subject.h"
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
    KnownName{kArtifactFact, QT_TRANSLATE_NOOP("Tables", "Hash of what was made")},
    KnownName{"command", QT_TRANSLATE_NOOP("Tables", "Command")},
    KnownName{"device", QT_TRANSLATE_NOOP("Tables", "Device")},
    KnownName{"numerics", QT_TRANSLATE_NOOP("Tables", "Numerics")},
    KnownName{"date", QT_TRANSLATE_NOOP("Tables", "Date")},
    KnownName{"version", QT_TRANSLATE_NOOP("Tables", "Version")},
    KnownName{"calibration", QT_TRANSLATE_NOOP("Tables", "Calibration")},
    KnownName{"seconds", QT_TRANSLATE_NOOP("Tables", "Seconds")},
};

bool isKnown(const std::string& key) {
    return std::ranges::any_of(kRunNames, [&](const KnownName& name) { return key == name.key; });
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
        if (!isKnown(key) && !value.empty()) {
            facts.append({QString::fromStdString(key), QString::fromStdString(value), {}});
        }
    }
    return facts;
}

} // namespace caldera::studio
