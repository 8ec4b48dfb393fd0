// train_trellis_tables FOLDER ITERATIONS RESTARTS [ID ...]: trains the tables of the codes (all of
// them when no id is named) and writes them to FOLDER/<id without "trellis-">.inc.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "kernels/trellis/training/lloyd_iteration.h"

using namespace caldera::kernels;

namespace {

constexpr int64_t kTestGroups = 1 << 18;
constexpr uint64_t kTestSeed = 1000;
constexpr int kEntriesPerLine = 32;

void writeTable(const std::string& file, std::span<const int8_t> table) {
    std::ofstream out(file);
    for (size_t i = 0; i < table.size(); ++i) {
        out << int{table[i]} << ((i + 1) % kEntriesPerLine == 0 ? ",\n" : ",");
    }
    if (!out.flush()) {
        std::fprintf(stderr, "Cannot write %s.\n", file.c_str());
        std::exit(1);
    }
}

/// The best of several tables that began with other random entries.
training::TableTraining trainBest(const TrellisCode& code, int iterations, int restarts) {
    training::TrainingSettings settings;
    settings.iterations = iterations;
    // About equally many inputs for each entry, whatever the code.
    settings.groups = int64_t{1} << (code.windowBits() > 12 ? 17 : 16);
    training::TableTraining best(code, settings);
    best.run();
    double least = best.measure(kTestGroups, kTestSeed);
    for (int restart = 1; restart < restarts; ++restart) {
        settings.seed += 2;
        training::TableTraining next(code, settings);
        next.run();
        const double error = next.measure(kTestGroups, kTestSeed);
        std::printf("%s: %.6f, best before %.6f\n", code.id, error, least);
        if (error < least) {
            least = error;
            best = next;
        }
    }
    std::printf("%s: mean squared error %.6f, table hash %016llx\n", code.id, least,
                static_cast<unsigned long long>(trellisTableHash(best.code())));
    std::fflush(stdout);
    return best;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fprintf(stderr, "Usage: %s FOLDER ITERATIONS RESTARTS [ID ...]\n", argv[0]);
        return 2;
    }
    const std::vector<std::string> wanted(argv + 4, argv + argc);
    for (const TrellisCode& code : trellisCodes()) {
        const std::string id = code.id;
        if (wanted.empty() || std::find(wanted.begin(), wanted.end(), id) != wanted.end()) {
            const auto best = trainBest(code, std::atoi(argv[2]), std::atoi(argv[3]));
            writeTable(std::string(argv[1]) + "/" + id.substr(id.find('-') + 1) + ".inc",
                       best.table());
        }
    }
    return 0;
}
