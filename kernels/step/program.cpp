#include "kernels/step/program.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "kernels/common/device_copy.h"
#include "kernels/nibble/nibble.h"
#include "kernels/step/program_sizes.h"

namespace caldera::kernels::cuda {
namespace {

constexpr int kGroupRows = 16;
/// Blocks of 128 columns of a part of R.
constexpr int kReduceBlocks = kFactorColumns / static_cast<int>(kQuantizedBlock);
/// Inputs that are not rotated have outliers, which int8 would not bear.
constexpr int kPlainBits = 16;

int groupsOf(int rows) {
    return (rows + kGroupRows - 1) / kGroupRows;
}

/// Of the orthonormal Hadamard transform, rounded as the reference rounds it.
float blockScale(int block) {
    return 1.0F / std::sqrt(static_cast<float>(block));
}

int codeIndex(const StepCode& code) {
    return static_cast<int>(&code - stepCodes().data());
}

/// A factor in 4 bits, whose items are counted apart.
void addFactor(ProductPhase& phase, StepProduct product) {
    product.groups = product.rows / kFactorRows;
    product.firstItem = phase.factorItems;
    phase.factorItems += product.groups * product.splits;
    ++phase.factorCount;
    phase.products[phase.productCount++] = product;
}

/// Items follow one another in the order of the products.
void addProduct(ProductPhase& phase, StepProduct product) {
    product.firstItem = phase.items;
    product.inverseSplits = 1.0F / static_cast<float>(product.splits);
    phase.items += product.groups * product.splits;
    phase.products[phase.productCount++] = product;
}

} // namespace

StepProgram::StepProgram(int sequences, int activationBits, float epsilon)
    : sequences_(sequences), activationBits_(activationBits), epsilon_(epsilon),
      sharedBytes_(stepSharedBytes(0, 8)), multipliesTogether_(isBatching()),
      facts_(floats(int64_t{2} * sequences)) {
    if (sequences < 1 || sequences > kStepSequences) {
        throw KernelError("step: " + std::to_string(sequences) + " sequences; 1 to " +
                          std::to_string(kStepSequences) + " are possible.");
    }
}

float* StepProgram::floats(int64_t count) {
    scratch_.emplace_back(static_cast<size_t>(count));
    scratch_.back().clear();
    return scratch_.back().data();
}

float* StepProgram::shared(Shared& memory, int64_t count) {
    if (count > memory.size) { // phases before keep what they have
        memory = {floats(count), count};
    }
    return memory.data;
}

StepVector StepProgram::vectorOf(StepVector& held, int columns, int bits) {
    const int blocks = blocksOf(columns);
    if (held.codes == nullptr || blocks > held.blocks) {
        const int64_t count = static_cast<int64_t>(sequences_) * blocks;
        held.codes = floats(count * kQuantizedBlock * bits / 32);
        held.scale = floats(count);
        held.sum = floats(count);
        held.blocks = blocks;
        held.bits = bits;
    }
    StepVector vector = held;
    vector.blocks = blocks;
    return vector;
}

StepInput StepProgram::inputOf(const StepGroup& group, StepRole role) {
    RoleVectors& vectors = roles_[static_cast<size_t>(role)];
    StepInput input;
    input.size = group.columns;
    input.block = group.inBlock;
    input.blockScale = blockScale(group.inBlock);
    input.norm = group.norm;
    input.sign = group.inSign;
    input.isEven =
        isEvenSize(input.size, input.block) && isQuads(input.norm) && isQuads(input.sign) ? 1 : 0;
    for (const StepLinear& member : group.members) {
        if (member.isRotated()) {
            input.rotated = vectorOf(vectors.rotated, group.columns, activationBits_);
        } else {
            input.plain = vectorOf(vectors.plain, group.columns, kPlainBits);
        }
    }
    if (group.norm != nullptr) {
        const int64_t count = static_cast<int64_t>(sequences_) * blocksOf(group.columns);
        if (count > vectors.squareCount) {
            vectors.squares = floats(count);
            vectors.squareCount = count;
        }
        input.squares = vectors.squares;
    }
    return input;
}

StepPhase& StepProgram::add(PhaseKind kind) {
    phases_.emplace_back();
    phases_.back().kind = kind;
    return phases_.back();
}

void StepProgram::embed(const EmbedPhase& phase) {
    StepPhase& added = add(PhaseKind::Embed);
    added.embed = phase;
    added.isEven = phase.next.isEven;
}

void requireHeads(int heads, int kvHeads, int headSize) {
    const int sharing = heads / kvHeads;
    const int eights = (sharing + 7) / 8 * 8; // heads go in eights through tensor cores
    if (sharing > kMostSharing || eights * headSize > kMostQuery || headSize > kMostHeadSize ||
        headSize % 8 != 0) {
        throw KernelError("step: " + std::to_string(sharing) + " heads of " +
                          std::to_string(headSize) + " numbers share a key head; at most " +
                          std::to_string(kMostSharing) + " heads and " +
                          std::to_string(kMostQuery) + " numbers are possible, a head of at most " +
                          std::to_string(kMostHeadSize) + ", and multiples of 8.");
    }
}

void StepProgram::attend(const AttendPhase& phase) {
    requireHeads(phase.heads, phase.kvHeads, phase.headSize);
    AttendPhase& added = add(PhaseKind::Attend).attend;
    added = phase;
    added.sharing = phase.heads / phase.kvHeads;
}

void StepProgram::combine(const CombinePhase& phase) {
    StepPhase& added = add(PhaseKind::Combine);
    added.combine = phase;
    added.isEven = phase.next.isEven;
}

void StepProgram::stage(ProductPhase& phase, const StepInput& input) {
    phase.isStaged = 1;
    sharedBytes_ =
        std::max(sharedBytes_, stepSharedBytes(input.rotated.blocks, input.rotated.bits));
}

namespace {

/// The group's members that have factors, those with factors in 4 bits last.
std::vector<size_t> factorsLast(const StepGroup& group) {
    std::vector<size_t> members;
    for (const bool isLast : {false, true}) {
        for (size_t i = 0; i < group.members.size(); ++i) {
            const StepLinear& member = group.members[i];
            if (member.rank > 0 && (member.right.storage == StepStorage::Lloyd4) == isLast) {
                members.push_back(i);
            }
        }
    }
    return members;
}

/// Blocks of an item of the group's factors in 4 bits: as few as leave every warp at most one item,
/// whose beginning and end take about as long as kReduceBlocks do.
int factorBlocks(const StepGroup& group) {
    int64_t items = 0; // of kReduceBlocks
    for (const StepLinear& member : group.members) {
        if (member.right.storage == StepStorage::Lloyd4) {
            items += member.rank / kFactorRows * divideUp(blocksOf(group.columns), kReduceBlocks);
        }
    }
    const int64_t together = std::max<int64_t>(1, divideUp(items, stepWarps()));
    return static_cast<int>(together) * kReduceBlocks;
}

} // namespace

void StepProgram::addReduced(ProductPhase& phase, const StepGroup& group, const StepInput& input,
                             std::vector<StepResult>& results) {
    for (const size_t i : factorsLast(group)) {
        const StepLinear& member = group.members[i];
        StepProduct product;
        product.storage = member.right.storage;
        product.rows = member.rank;
        product.groups = groupsOf(member.rank);
        product.columns = group.columns;
        const bool isFactor = product.storage == StepStorage::Lloyd4;
        product.splitBlocks = isFactor ? factorBlocks(group) : kReduceBlocks;
        product.splits = static_cast<int>(divideUp(blocksOf(group.columns), product.splitBlocks));
        product.codes = member.right.codes;
        product.totals = static_cast<int32_t>(totalCount_);
        if (!isFactor) {
            multipliesTogether_ = false;
            addProduct(phase, product);
        } else {
            addFactor(phase, product);
            if (group.columns % 8 != 0) {
                throw KernelError("step: a factor R in 4 bits has " +
                                  std::to_string(group.columns) +
                                  " columns; a multiple of 8 is needed.");
            }
            stage(phase, input);
        }
        results[i].totals = product.totals;
        totalCount_ += static_cast<int64_t>(sequences_) * member.rank;
    }
}

namespace {

StepResult resultOf(const StepLinear& member, const float* halfSteps) {
    StepResult result;
    result.rows = member.rows;
    result.paddedRows = groupsOf(member.rows) * kGroupRows;
    result.block = member.outBlock;
    result.blockScale = blockScale(member.outBlock);
    result.scale = member.scale;
    result.halfSteps = member.storage == StepStorage::Coded ? halfSteps : nullptr;
    result.sign = member.outSign;
    result.bias = member.bias;
    result.rowScale = member.rowScale;
    result.rank = member.rank;
    result.left = member.left.codes;
    result.leftStorage = member.left.storage;
    result.factorScale = member.factorScale;
    return result;
}

/// Members by the table that their products need.
std::vector<std::vector<size_t>> byCode(const StepGroup& group) {
    std::vector<std::vector<size_t>> parts;
    std::vector<const StepCode*> codes;
    for (size_t i = 0; i < group.members.size(); ++i) {
        const StepCode* code = group.members[i].code;
        const auto found = std::find(codes.begin(), codes.end(), code);
        if (found != codes.end()) {
            parts[static_cast<size_t>(found - codes.begin())].push_back(i);
        } else {
            codes.push_back(code);
            parts.push_back({i});
        }
    }
    return parts;
}

/// Whether tensor cores have a product of such rows with inputs of 16 bits.
bool isTable(const StepLinear& linear) {
    const bool isWhole = linear.storage == StepStorage::Int4 || linear.storage == StepStorage::Int8;
    return isWhole && linear.rank == 0 && linear.columns % kNibbleBlock == 0;
}

} // namespace

StepSplit StepProgram::share(ProductPhase& phase, int64_t groups, const StepGroup& group,
                             const StepCode* code) {
    const int blocks = blocksOf(group.columns);
    if (code != nullptr && isBatching()) {
        const int codeBytes = static_cast<int>(kQuantizedBlock) / code->columns * code->groupBytes;
        const StepBatch batch = splitBatch(groups, blocks, codeBytes);
        if (batch.pieceBlocks > 0) {
            phase.batchBlocks = batch.pieceBlocks;
            sharedBytes_ = stepSharedLimit();
            return batch.split;
        }
    }
    if (group.members.size() == 1 && isTable(group.members.front())) {
        const StepBatch batch = splitTable(groups, blocks);
        if (batch.pieceBlocks > 0) {
            phase.tableBlocks = batch.pieceBlocks;
            tablePhase_ = std::min(tablePhase_, phaseCount() - 1);
            sharedBytes_ = stepSharedLimit();
            return batch.split;
        }
    }
    multipliesTogether_ = false;
    return splitProduct(groups, blocks);
}

float* StepProgram::addMembers(ProductPhase& phase, const StepGroup& group,
                               const std::vector<size_t>& members, const StepInput& input,
                               std::vector<StepResult>& results, float* partial) {
    int64_t groups = 0;
    for (const size_t i : members) {
        groups += groupsOf(group.members[i].rows);
    }
    const StepSplit split = share(phase, groups, group, group.members[members.front()].code);
    for (const size_t i : members) {
        const StepLinear& member = group.members[i];
        if (member.code != nullptr) {
            phase.code = codeIndex(*member.code);
            phase.entries = static_cast<const int8_t*>(
                deviceCopy(member.code->table.data(), member.code->table.size()));
            ++phase.codedCount;
            stage(phase, input);
        }
        StepProduct product;
        product.storage = member.storage;
        product.rows = member.rows;
        product.groups = groupsOf(member.rows);
        product.columns = member.columns;
        product.splits = split.splits;
        product.splitBlocks = split.splitBlocks;
        product.codes = member.codes;
        product.scale = member.tableScale;
        product.partial = partial;
        addProduct(phase, product);
        results[i].partial = partial;
        results[i].splits = split.splits;
        partial += static_cast<int64_t>(sequences_) * split.splits * results[i].paddedRows;
    }
    return partial;
}

void StepProgram::requireRoom(int columns) const {
    if (sharedBytes_ > stepSharedLimit() || blocksOf(columns) > kMostInputBlocks) {
        throw KernelError("step: an input of " + std::to_string(columns) + " columns takes " +
                          std::to_string(sharedBytes_) + " bytes of shared memory; this GPU has " +
                          std::to_string(stepSharedLimit()) + " for a thread block" +
                          (activationBits_ == 16 ? ". Inputs of 8 bits take half of it." : "."));
    }
}

std::vector<StepResult> StepProgram::multiply(const StepGroup& group, const StepInput& input) {
    if (std::ssize(group.members) > kStepMembers) {
        throw KernelError("step: " + std::to_string(group.members.size()) +
                          " matrices share an input; at most " + std::to_string(kStepMembers) +
                          " are possible.");
    }
    const StepFacts facts = factsOf(group, input);
    std::vector<StepResult> results;
    int64_t rows = 0;
    for (const StepLinear& member : group.members) {
        results.push_back(resultOf(member, facts.halfSteps));
        rows += results.back().paddedRows;
    }
    // As many parts as the finest split of any of its members could want.
    const int64_t most = divideUp(blocksOf(group.columns), kLeastSplitBlocks);
    float* partial = shared(partial_, static_cast<int64_t>(sequences_) * rows * most);
    const auto parts = byCode(group);
    for (size_t part = 0; part < parts.size(); ++part) {
        StepPhase& step = add(PhaseKind::Product);
        step.barrier = part + 1 == parts.size() ? 1 : 0;
        ProductPhase& phase = step.product;
        phase.rotated = input.rotated;
        phase.plain = input.plain;
        phase.facts = part == 0 ? facts : StepFacts{};
        partial = addMembers(phase, group, parts[part], input, results, partial);
        if (part == 0) { // last, for its items are short
            addReduced(phase, group, input, results);
        }
    }
    requireRoom(group.columns);
    return results;
}

StepFacts StepProgram::factsOf(const StepGroup& group, const StepInput& input) const {
    StepFacts facts;
    if (input.squares != nullptr) {
        facts.squares = input.squares;
        facts.squareBlocks = blocksOf(group.columns);
        facts.normSize = group.columns;
        facts.epsilon = epsilon_;
        facts.inverseRms = facts_;
    }
    if (input.rotated.codes != nullptr) {
        facts.halfSteps = facts_ + sequences_;
    }
    return facts;
}

} // namespace caldera::kernels::cuda
