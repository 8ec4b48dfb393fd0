// How the one-page report is laid out.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <span>
#include <utility>

#include "core/base/find_value.h"
#include "core/base/printable.h"
#include "core/base/text.h"
#include "core/base/version.h"
#include "core/report/value_interval.h"
#include "core/summary/chart.h"
#include "core/summary/shell_lines.h"
#include "core/summary/summary.h"

namespace caldera {

namespace {

constexpr double kMargin = 36;
constexpr double kBody = 8; ///< size of letters
constexpr double kLineHeight = 11.5;
constexpr double kLabelWidth = 78;
constexpr size_t kMostEvaluations = 4;
constexpr size_t kMostLetters = 110; ///< of a sentence on one line
constexpr size_t kMostWorst = 5;
constexpr size_t kCommandLetters = 104; ///< in a line of the page's width
constexpr size_t kCommandLines = 8;

using Fact = std::pair<std::string, std::string>;

/// " +-0.12": half of the 95 % interval. Older records of a perplexity have its standard error
/// alone.
std::string spread(const EvaluationRecord& record, const std::string& name) {
    const auto low = findValue(record.numbers, lowEndOf(name));
    const auto high = findValue(record.numbers, highEndOf(name));
    const auto error = findValue(record.numbers, name + "_error");
    const std::optional<double> half = low && high ? std::optional((*high - *low) / 2)
                                       : error     ? std::optional(kStandardErrors95 * *error)
                                                   : std::nullopt;
    return half ? " +-" + figure(*half, 2) : std::string();
}

std::string figureOrDash(const std::optional<double>& value, int figures = 4) {
    return value ? figure(*value, figures) : "-";
}

class Page {
public:
    explicit Page(const Summary& summary) : summary_(summary) {}

    Drawing make() {
        drawHeader();
        drawFacts();
        drawMap();
        drawCharts();
        drawEvaluations();
        drawWorst();
        drawCommands();
        return std::move(page_);
    }

private:
    double width() const { return page_.width - 2 * kMargin; }
    void words(double x, double y, const std::string& text, Font font = Font::Plain, Ink ink = kInk,
               double size = kBody) {
        page_.shapes.emplace_back(Words{{x, y}, size, font, ink, text});
    }
    void heading(const std::string& text) {
        y_ += 8;
        page_.shapes.emplace_back(Line{{{kMargin, y_}, {kMargin + width(), y_}}, 0.6, kRule});
        y_ += 13;
        words(kMargin, y_, text, Font::Bold, kInk, 9);
        y_ += 4;
    }

    void drawHeader() {
        y_ = kMargin + 12;
        words(kMargin, y_, printable(titleOf(summary_), 60), Font::Bold, kInk, 17);
        const std::string program = "Caldera " + std::string(programVersion());
        page_.shapes.emplace_back(rightAligned({kMargin + width(), y_}, kBody, kPaleInk, program));
        y_ += 14;
        words(kMargin, y_, headline(), Font::Plain, kPaleInk, 9.5);
        y_ += 4;
    }

    std::string headline() const {
        if (!summary_.artifact) {
            return "What was measured, from the report alone";
        }
        const ArtifactFacts& facts = *summary_.artifact;
        return figure(facts.bitsPerWeight) + " bits per weight, " +
               byteText(static_cast<uint64_t>(facts.fileBytes)) + ", compressed as Q + L R";
    }

    std::vector<Fact> planFacts() const {
        std::vector<Fact> facts;
        if (summary_.artifact) {
            const Plan& plan = summary_.artifact->plan;
            const CellSettings& all = plan.defaults;
            const size_t overrides = plan.layerOverrides.size() + plan.patternOverrides.size();
            facts = {{"Q", figure(all.bits, 2) + " bits, " + all.codecId()},
                     {"L, R", "rank " + std::to_string(all.rank) + ", " + all.leftCodecId() +
                                  " and " + all.rightCodecId()},
                     {"Rotation", all.transform},
                     {"Overrides", std::to_string(overrides) + " of cells, " +
                                       std::to_string(plan.skipLayers.size()) + " kept at 16 bits"},
                     {"Tables", "embeddings " + std::to_string(plan.embeddingBits) +
                                    " bits, head " + std::to_string(plan.headBits) + " bits"},
                     {"Calibration", std::to_string(plan.calibration.tokens) + " tokens"}};
        }
        return facts;
    }

    std::string runFact(const char* name) const {
        return findValue(summary_.report.run, name).value_or("");
    }

    std::vector<Fact> runFacts() const {
        std::vector<Fact> facts = {{"Model", runFact("model")},
                                   {"Made", runFact("date")},
                                   {"Device", runFact("device")},
                                   {"Numerics", runFact("numerics")},
                                   {"Version", runFact("version")}};
        double seconds = 0;
        double errors = 0;
        for (const auto& [cell, report] : summary_.report.cells) {
            seconds += report.seconds;
            errors += report.relativeError;
        }
        const auto count = static_cast<double>(summary_.report.cells.size());
        if (count > 0) {
            facts.emplace_back("Cells",
                               figure(count) + ", mean relative error " + figure(errors / count));
            facts.emplace_back("Solver", seconds > 0 ? durationText(seconds) : std::string());
        }
        std::erase_if(facts, [](const Fact& fact) { return fact.second.empty(); });
        return facts;
    }

    void drawFacts() {
        heading("Plan and run");
        const double top = y_;
        const double half = width() / 2;
        double lowest = top;
        double left = kMargin;
        for (const std::vector<Fact>& facts : {planFacts(), runFacts()}) {
            double y = top;
            for (const auto& [name, value] : facts) {
                y += kLineHeight;
                words(left, y, name, Font::Plain, kPaleInk);
                words(left + kLabelWidth, y, printable(value, 50));
            }
            lowest = std::max(lowest, y);
            left += facts.empty() ? 0 : half;
        }
        y_ = lowest;
        if (summary_.artifact) {
            drawHash("Artifact", summary_.artifact->hash);
            drawHash("Original", summary_.artifact->fingerprint);
        } else if (const std::string hash = runFact("fingerprint"); !hash.empty()) {
            drawHash("Fingerprint", hash);
        }
    }

    void drawHash(const std::string& name, const std::string& hash) {
        y_ += kLineHeight;
        words(kMargin, y_, name, Font::Plain, kPaleInk);
        words(kMargin + kLabelWidth, y_, printable(hash, 80), Font::Mono);
    }

    void drawMap() {
        heading("Relative error of every cell");
        y_ += 6;
        std::map<Cell, double> errors;
        for (const auto& [cell, report] : summary_.report.cells) {
            errors[cell] = report.relativeError;
        }
        drawCells(errors, summary_.report.layerCount, {{kMargin, y_}, width(), 104}, page_);
        y_ += 104;
    }

    Chart depthChart() const {
        Chart chart{"Relative error through the depth", "layer", "No cell was measured.", {}};
        for (const Module module : kModules) {
            ChartCurve curve{std::string(moduleName(module)), moduleInk(module), {}};
            for (const auto& [cell, report] : summary_.report.cells) {
                if (cell.module == module) {
                    curve.points.push_back({static_cast<double>(cell.layer), report.relativeError});
                }
            }
            if (!curve.points.empty()) {
                curve.name = curve.name.substr(0, curve.name.find('_'));
                chart.curves.push_back(std::move(curve));
            }
        }
        return chart;
    }

    /// The last evaluations, for which there is room.
    std::span<const EvaluationRecord> shown() const {
        const std::span<const EvaluationRecord> all = summary_.report.evaluations;
        return all.last(std::min(all.size(), kMostEvaluations));
    }

    Chart driftChart() const {
        Chart chart{"Hidden states: distance from the original",
                    "after layer",
                    "Not measured: evaluate beside the original.",
                    {}};
        for (const EvaluationRecord& record : shown()) {
            const auto found = record.layers.find("hidden_error");
            if (record.facts.contains(kKeptPredictions)) {
                chart.empty = "Not measured: evaluate without kept predictions.";
            }
            if (found == record.layers.end()) {
                continue;
            }
            ChartCurve curve{
                printable(record.name, 18), moduleInk(kModules.at(chart.curves.size())), {}};
            for (size_t layer = 0; layer < found->second.size(); ++layer) {
                curve.points.push_back({static_cast<double>(layer), found->second[layer]});
            }
            chart.curves.push_back(std::move(curve));
        }
        return chart;
    }

    void drawCharts() {
        y_ += 10;
        const double half = (width() - 20) / 2;
        draw(depthChart(), {{kMargin, y_}, half, 150}, page_);
        draw(driftChart(), {{kMargin + half + 20, y_}, half, 150}, page_);
        y_ += 150;
    }

    /// A row of figures that end at these places.
    void figures(const std::vector<std::string>& texts, Ink ink) {
        constexpr std::array kEnds = {0.44, 0.59, 0.75, 0.84, 0.92, 1.0};
        for (size_t at = 0; at < texts.size() && at < kEnds.size(); ++at) {
            page_.shapes.emplace_back(
                rightAligned({kMargin + width() * kEnds.at(at), y_}, kBody - 0.5, ink, texts[at]));
        }
    }

    void drawEvaluations() {
        heading("Evaluations");
        const std::vector<EvaluationRecord>& records = summary_.report.evaluations;
        y_ += kLineHeight;
        for (const std::string& problem : summary_.problems) {
            words(kMargin, y_, printable(problem, kMostLetters), Font::Plain, kPaleInk);
            y_ += kLineHeight;
        }
        if (records.empty()) {
            words(kMargin, y_, "None yet. caldera evaluate ARTIFACT --reference MODEL", Font::Plain,
                  kPaleInk);
            return;
        }
        words(kMargin, y_, note(), Font::Plain, kPaleInk);
        y_ += kLineHeight;
        words(kMargin, y_, "text", Font::Plain, kPaleInk);
        figures({"perplexity", "of the original", "KL mean", "KL 99 %", "top-1", "tokens"},
                kPaleInk);
        for (const EvaluationRecord& record : shown()) {
            drawEvaluation(record);
        }
    }

    /// What is left out, and what the figures mean.
    std::string note() const {
        const size_t all = summary_.report.evaluations.size();
        return (all > shown().size() ? "The last " + std::to_string(shown().size()) + " of " +
                                           std::to_string(all) + "; the reports have all. "
                                     : std::string()) +
               "+- is half of the 95 % interval.";
    }

    void drawEvaluation(const EvaluationRecord& record) {
        y_ += kLineHeight;
        const auto context = findValue(record.numbers, "context");
        const auto accuracy = findValue(record.numbers, "accuracy");
        const auto alone = record.facts.find(kNoInterval);
        words(kMargin, y_,
              printable(record.name, 26) +
                  (context ? ", context " + figure(*context) : std::string()) +
                  (accuracy ? ", accuracy " + figure(*accuracy) : std::string()) +
                  (alone != record.facts.end()
                       ? ", no interval from " + printable(alone->second, 40)
                       : std::string()));
        const std::string divergence =
            figureOrDash(findValue(record.numbers, "kl_mean"), 3) + spread(record, "kl_mean");
        const std::string perplexity =
            figureOrDash(findValue(record.numbers, "perplexity")) + spread(record, "perplexity");
        figures({perplexity, figureOrDash(findValue(record.numbers, "reference_perplexity")),
                 divergence, figureOrDash(findValue(record.numbers, "kl_p99"), 3),
                 figureOrDash(findValue(record.numbers, "top1_agreement")),
                 figureOrDash(findValue(record.numbers, "tokens"), 9)},
                kInk);
    }

    void drawWorst() {
        std::vector<std::pair<double, Cell>> worst;
        for (const auto& [cell, report] : summary_.report.cells) {
            if (std::isfinite(report.relativeError)) {
                worst.emplace_back(report.relativeError, cell);
            }
        }
        if (worst.empty()) {
            return;
        }
        std::sort(worst.begin(), worst.end(), [](const auto& a, const auto& b) {
            return a.first != b.first ? a.first > b.first : a.second < b.second;
        });
        heading("Worst cells");
        for (size_t at = 0; at < std::min(worst.size(), kMostWorst); ++at) {
            const CellReport& report = summary_.report.cells.at(worst[at].second);
            y_ += kLineHeight;
            words(kMargin, y_, cellName(worst[at].second), Font::Mono, kInk, kBody - 0.5);
            words(kMargin + width() * 0.52, y_,
                  figure(report.settings.bits, 2) + " bits, rank " +
                      std::to_string(report.settings.rank) + ", " + report.settings.codecId());
            page_.shapes.emplace_back(
                rightAligned({kMargin + width(), y_}, kBody, kInk, figure(worst[at].first, 4)));
        }
    }

    /// In the order of their making, each once.
    std::vector<std::string> commands() const {
        std::vector<std::string> all = {runFact("command")};
        for (const EvaluationRecord& record : shown()) {
            all.push_back(findValue(record.facts, "command").value_or(""));
        }
        all.push_back(summary_.command);
        std::set<std::string> seen = {""};
        std::erase_if(all, [&seen](const std::string& one) { return !seen.insert(one).second; });
        return all;
    }

    void drawCommands() {
        heading("Commands that make this again");
        for (const std::string& command : commands()) {
            std::vector<std::string> lines =
                command.size() > kCommandLetters * kCommandLines
                    ? std::vector<std::string>()
                    : shellLines(printable(command, kCommandLetters * kCommandLines),
                                 kCommandLetters);
            if (lines.empty() || roomFor(lines.size()) < lines.size()) {
                lines = {"# A command too long for this page; the report has it whole."};
            }
            if (roomFor(lines.size()) < lines.size()) {
                return;
            }
            for (const std::string& line : lines) {
                y_ += kLineHeight - 1;
                words(kMargin, y_, line, Font::Mono, kInk, 7.5 * 0.95);
            }
        }
    }

    /// How many of so many lines of commands the page still takes.
    size_t roomFor(size_t lines) const {
        const double room = (page_.height - kMargin - y_) / (kLineHeight - 1);
        return std::min(lines, static_cast<size_t>(std::max(0.0, room)));
    }

    const Summary& summary_;
    Drawing page_;
    double y_ = 0;
};

} // namespace

Drawing summaryPage(const Summary& summary) {
    return Page(summary).make();
}

} // namespace caldera
