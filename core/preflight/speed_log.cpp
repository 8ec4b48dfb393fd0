#include "core/preflight/speed_log.h"

#include <cmath>
#include <fstream>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/artifact/json_format.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/format_version.h"
#include "core/base/median.h"
#include "core/base/paths.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "caldera-speed";
constexpr int kMajor = 1;
constexpr size_t kRecentRuns = 5;
constexpr size_t kMostLines = 400;
/// Of the estimate; shorter runs are mostly starting up.
constexpr double kShortest = 5;

/// Lines that are no records of ours are left out.
std::vector<Json> readLines(const std::filesystem::path& file) {
    std::vector<Json> lines;
    std::ifstream in(file);
    std::string text;
    while (std::getline(in, text)) {
        Json line = Json::parse(text, nullptr, false);
        const bool isOurs =
            line.is_object() && formatFit(formatOf(line), kFormat, kMajor) == FormatFit::Readable &&
            line.value("estimated", Json()).is_number() &&
            line.value("seconds", Json()).is_number() && line.value("kind", Json()).is_string() &&
            line.value("place", Json()).is_string();
        if (isOurs) {
            lines.push_back(std::move(line));
        }
    }
    return lines;
}

} // namespace

TimeEstimate SpeedRatio::correct(double documentedSeconds) const {
    return documentedSeconds < 0 ? TimeEstimate{documentedSeconds, 0}
                                 : TimeEstimate{documentedSeconds * ratio, runs};
}

std::string processorPlace(int threads) {
    return "cpu, " + std::to_string(threads) + " threads";
}

SpeedLog SpeedLog::ofThisMachine() {
    return SpeedLog(stateFolder() / "speeds.jsonl");
}

void SpeedLog::add(const SpeedKey& key, double estimatedSeconds, double seconds) const {
    if (!(estimatedSeconds >= kShortest) || !(seconds > 0)) {
        return;
    }
    std::vector<Json> lines = readLines(file_);
    lines.push_back({{"format", formatText(kFormat, kMajor)},
                     {"time", utcNow()},
                     {"kind", key.kind},
                     {"place", key.place},
                     {"estimated", estimatedSeconds},
                     {"seconds", seconds}});
    const size_t first = lines.size() > kMostLines ? lines.size() - kMostLines : 0;
    std::string text;
    for (size_t i = first; i < lines.size(); ++i) {
        text += lines[i].dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    }
    try {
        writeFileAtomically(file_, text);
    } catch (const Error&) {
        // See the header.
    }
}

std::map<std::string, SpeedRatio> SpeedLog::ratios(const std::string& kind) const {
    std::map<std::string, std::vector<double>> byPlace;
    for (const Json& line : readLines(file_)) {
        const double estimated = line["estimated"].get<double>();
        const double ratio = line["seconds"].get<double>() / estimated;
        if (line["kind"] == kind && estimated > 0 && std::isfinite(ratio) && ratio > 0) {
            byPlace[line["place"].get<std::string>()].push_back(ratio);
        }
    }
    std::map<std::string, SpeedRatio> ratios;
    for (auto& [place, all] : byPlace) {
        if (all.size() > kRecentRuns) {
            all.erase(all.begin(), all.end() - kRecentRuns);
        }
        ratios[place] = {median(all), static_cast<int>(all.size())};
    }
    return ratios;
}

TimeEstimate SpeedLog::estimate(const SpeedKey& key, double documentedSeconds) const {
    const auto all = ratios(key.kind);
    const auto here = all.find(key.place);
    return (here == all.end() ? SpeedRatio() : here->second).correct(documentedSeconds);
}

} // namespace caldera
