// train_trellis_tables FOLDER ITERATIONS RESTARTS [--inputs FILE] [ID ...]: trains the tables of
// the codes (all that the program knows when none is named) and writes them to FOLDER/<id without
// "trellis-">.inc. An id may be one that is not shipped, as trellis-v4k8m6, to see what another
// shape would give. FILE holds groups [16, V] of f32 that stand for N(0, 1).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "kernels/trellis/encode_tables.h"
#include "kernels/trellis/training/lloyd_iteration.h"

using namespace caldera::kernels;

namespace {

constexpr int64_t kTestGroups = 1 << 18;
constexpr int64_t kExhaustiveGroups = 1 << 11;
constexpr uint64_t kTestSeed = 1000;
constexpr int kEntriesPerLine = 32;
constexpr int kMostNewBits = 12;    ///< more would leave no inputs for most entries
constexpr size_t kFewestGroups = 4; ///< a quarter is kept for measuring
constexpr float kUsualStep = 3.5F / 128;

struct Options {
    std::string folder;
    int iterations = 0;
    int restarts = 0;
    std::string inputs;
    std::vector<std::string> ids;
};

[[noreturn]] void fail(const std::string& sentence) {
    std::fprintf(stderr, "%s\n", sentence.c_str());
    std::exit(1);
}

void writeTable(const std::string& file, std::span<const int8_t> table) {
    std::ofstream out(file);
    for (size_t i = 0; i < table.size(); ++i) {
        out << int{table[i]} << ((i + 1) % kEntriesPerLine == 0 ? ",\n" : ",");
    }
    if (!out.flush()) {
        fail("Cannot write " + file + ".");
    }
}

training::RecordedGroups readGroups(const std::string& file, const TrellisCode& code) {
    std::ifstream in(file, std::ios::binary);
    const std::vector<char> bytes(std::istreambuf_iterator<char>(in), {});
    training::RecordedGroups groups;
    groups.groupValues = size_t{kTrellisRows} * static_cast<size_t>(code.columns);
    const size_t groupBytes = groups.groupValues * sizeof(float);
    if (bytes.size() < kFewestGroups * groupBytes || bytes.size() % groupBytes != 0) {
        fail(file + " has " + std::to_string(bytes.size()) + " bytes; at least " +
             std::to_string(kFewestGroups) + " groups of 16 x " + std::to_string(code.columns) +
             " f32 values were needed, " + std::to_string(groupBytes) + " bytes each.");
    }
    groups.values.resize(bytes.size() / sizeof(float));
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(groups.values.data()));
    return groups;
}

std::string idOf(const TrellisCode& shape) {
    return "trellis-v" + std::to_string(shape.columns) + "k" + std::to_string(shape.newBits) + "m" +
           std::to_string(shape.memoryBits);
}

/// The shape of any id of the family; the step is that of a shipped code of the same V and k.
TrellisCode shapeOf(const std::string& id) {
    if (const TrellisCode* code = trellisCode(id)) {
        return *code;
    }
    TrellisCode shape;
    shape.id = id.c_str();
    shape.step = kUsualStep;
    const bool isRead = std::sscanf(id.c_str(), "trellis-v%dk%dm%d", &shape.columns, &shape.newBits,
                                    &shape.memoryBits) == 3;
    if (!isRead || id != idOf(shape)) {
        fail("There is no trellis code \"" + id + "\"; ids are like trellis-v4k8m4.");
    }
    if (!TrellisEncodeTables::take(shape) || shape.newBits > kMostNewBits) {
        fail("No encoder takes the shape of " + id +
             "; 2 or 4 columns (v), 4 to 6 bits of memory " +
             "(m), and more new bits (k) than those, up to " + std::to_string(kMostNewBits) +
             ", were needed.");
    }
    for (const TrellisCode& code : trellisCodes()) {
        if (code.columns == shape.columns && code.newBits == shape.newBits) {
            shape.step = code.step;
        }
    }
    return shape;
}

/// The best of several tables that began with other random entries.
training::TableTraining trainBest(const TrellisCode& code, const Options& options) {
    training::TrainingSettings settings;
    settings.iterations = options.iterations;
    // About equally many inputs for each entry, whatever the code.
    settings.groups = int64_t{1} << (code.windowBits() > 12 ? 17 : 16);
    if (!options.inputs.empty()) {
        settings.inputs = readGroups(options.inputs, code);
    }
    if (!code.table.empty()) {
        std::printf("%s: %.6f as shipped\n", code.id,
                    training::measure(code, settings.inputs, kTestGroups, kTestSeed));
    }
    training::TableTraining best(code, settings);
    best.run();
    double least = training::measure(best.code(), settings.inputs, kTestGroups, kTestSeed);
    for (int restart = 1; restart < options.restarts; ++restart) {
        settings.seed += 2;
        training::TableTraining next(code, settings);
        next.run();
        const double error =
            training::measure(next.code(), settings.inputs, kTestGroups, kTestSeed);
        std::printf("%s: %.6f, best before %.6f\n", code.id, error, least);
        if (error < least) {
            least = error;
            best = next;
        }
    }
    std::printf("%s: mean squared error %.6f, table hash %016llx\n", code.id, least,
                static_cast<unsigned long long>(trellisTableHash(best.code())));
    std::printf(
        "%s: %.6f on fewer groups, %.6f with every boundary tried\n", code.id,
        training::measure(best.code(), settings.inputs, kExhaustiveGroups, kTestSeed),
        training::measureExhaustively(best.code(), settings.inputs, kExhaustiveGroups, kTestSeed));
    std::fflush(stdout);
    return best;
}

Options parse(int argc, char** argv) {
    Options options;
    std::vector<std::string> words(argv + 1, argv + argc);
    const auto inputs = std::find(words.begin(), words.end(), "--inputs");
    if (inputs != words.end() && inputs + 1 != words.end()) {
        options.inputs = inputs[1];
        words.erase(inputs, inputs + 2);
    }
    if (words.size() < 3) {
        std::fprintf(stderr, "Usage: %s FOLDER ITERATIONS RESTARTS [--inputs FILE] [ID ...]\n",
                     argv[0]);
        std::exit(2);
    }
    options.folder = words[0];
    options.iterations = std::atoi(words[1].c_str());
    options.restarts = std::atoi(words[2].c_str());
    options.ids.assign(words.begin() + 3, words.end());
    if (options.ids.empty()) {
        for (const TrellisCode& code : trellisCodes()) {
            options.ids.emplace_back(code.id);
        }
    }
    return options;
}

} // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    for (const std::string& id : options.ids) {
        const auto best = trainBest(shapeOf(id), options);
        writeTable(options.folder + "/" + id.substr(id.find('-') + 1) + ".inc", best.table());
    }
    return 0;
}
