#include "core/runtime/linear.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "core/base/error.h"
#include "core/base/half.h"
#include "core/codec/transform.h"
#include "kernels/hadamard/hadamard.h"

namespace caldera {

namespace {

constexpr int64_t kDenseUnitRows = 64;
/// Inputs pad to this: every codec's block of columns divides it, so members of a group share them.
constexpr int64_t kInputColumns = 64;
/// Of R x~: ranks differ too much in size for 8.
constexpr int kReducedBits = 16;

std::shared_ptr<const Codec> codecOf(const ArtifactCell& cell) {
    try {
        return makeCodec(cell.q.codec);
    } catch (const Error&) {
        throw Error("engine.codec",
                    cellName(cell.cell) + " is stored with the codec " + cell.q.codec +
                        ", which this version does not know. Use the version that wrote the "
                        "artifact.",
                    {{"cell", cellName(cell.cell)}, {"codec", cell.q.codec}});
    }
}

} // namespace

void ReducedInputs::expect(int64_t parts) {
    partsLeft_ = parts;
    isPublished_ = false;
}

bool ReducedInputs::isLastPart() {
    return partsLeft_.fetch_sub(1) == 1;
}

void ReducedInputs::publish() {
    isPublished_ = true;
}

void ReducedInputs::wait() const {
    constexpr int kSpins = 1000; // then the thread that makes it may want the core
    for (int spin = 0; !isPublished_; ++spin) {
        if (spin > kSpins) {
            std::this_thread::yield();
        } else {
            pauseBriefly();
        }
    }
}

Linear::Linear(ArtifactCell cell)
    : cell_(std::move(cell)), rows_(cell_.q.shape.rows), columns_(cell_.q.shape.columns) {
    if (!isCompressed()) {
        return;
    }
    outputBlock_ = transformBlock(cell_.transform, rows_);
    codec_ = codecOf(cell_);
    scale_ = fp16ToFloats(cell_.q.scale);
    outSign_ = fp16ToFloats(cell_.outSign);
    if (rank() > 0) {
        left_ = Factor(cell_.l);
        right_ = Factor(cell_.r);
        factorScale_ = fp16ToFloats(cell_.l.scale);
        const std::vector<float> right = fp16ToFloats(cell_.r.scale);
        for (size_t i = 0; i < factorScale_.size(); ++i) {
            factorScale_[i] *= right[i];
        }
    }
}

int64_t Linear::paddedColumns() const {
    return isCompressed() ? padTo(columns_, kInputColumns) : columns_;
}

int64_t Linear::bytes() const {
    size_t bytes =
        cell_.dense.size_bytes() + cell_.outSign.size_bytes() + cell_.bias.size() * sizeof(float);
    for (const PackedView* packed : {&cell_.q, &cell_.l, &cell_.r}) {
        bytes += packed->codes.size_bytes() + packed->scale.size_bytes();
    }
    return static_cast<int64_t>(bytes);
}

int64_t Linear::unitRows() const {
    return isCompressed() ? std::max(kRowGroup, outputBlock_) : kDenseUnitRows;
}

void Linear::reduceRows(const Job& job, int64_t first, int64_t count) const {
    float* reduced = job.reduced + first;
    if (job.factorBits > 0) {
        right_.prefetch(first, count);
        for (int64_t t = 0; t < job.input.count; ++t) {
            std::fill_n(reduced + t * rank(), count, 0.0F);
        }
        right_.multiplyIntegers({first, count, job.factorBits}, job.codes, {reduced, rank()});
    } else {
        right_.multiply(first, count, job.input, {reduced, rank()}, job.buffers->decoded);
    }
    for (int64_t t = 0; t < job.input.count; ++t) {
        for (int64_t i = 0; i < count; ++i) {
            reduced[t * rank() + i] *= factorScale_[static_cast<size_t>(first + i)];
        }
    }
    if (job.reducedInputs->isLastPart()) {
        for (int64_t t = 0; job.factorBits > 0 && t < job.input.count; ++t) {
            job.reducedInputs->codes.set(t, job.reduced + t * rank());
        }
        job.reducedInputs->publish();
    }
}

void Linear::applyRows(const Job& job, int64_t first, int64_t count) const {
    if (!isCompressed()) {
        multiplyDense(job, first, count);
        return;
    }
    const int64_t whole = count / kRowGroup * kRowGroup;
    multiplyPacked(job, first, whole, {job.output + first, rows_});
    if (whole < count) { // the padding rows have no place in the output
        std::vector<float>& partial = job.buffers->partial;
        partial.resize(static_cast<size_t>(job.input.count * kRowGroup));
        multiplyPacked(job, first + whole, count - whole, {partial.data(), kRowGroup});
        for (int64_t t = 0; t < job.input.count; ++t) {
            std::copy_n(partial.data() + t * kRowGroup, count - whole,
                        job.output + t * rows_ + first + whole);
        }
    }
    finishRows(job, first, count);
}

void Linear::multiplyDense(const Job& job, int64_t first, int64_t count) const {
    kernels::multiply(kernels::RowBlock<uint16_t>{cell_.dense.data() + first * columns_, count,
                                                  columns_, columns_},
                      job.input, {job.output + first, rows_});
    for (int64_t t = 0; !cell_.bias.empty() && t < job.input.count; ++t) {
        for (int64_t row = first; row < first + count; ++row) {
            job.output[t * rows_ + row] += cell_.bias[static_cast<size_t>(row)];
        }
    }
}

void Linear::multiplyPacked(const Job& job, int64_t first, int64_t count,
                            const kernels::OutputVectors& y) const {
    const int64_t groups = (count + kRowGroup - 1) / kRowGroup;
    for (int64_t t = 0; t < job.input.count; ++t) {
        std::fill_n(y.values + t * y.stride, groups * kRowGroup, 0.0F);
    }
    if (rank() > 0 && job.factorBits == 0) {
        job.reducedInputs->wait();
        const kernels::InputVectors reduced{job.reduced, job.input.count, rank()};
        left_.multiply(first, count, reduced, y, job.buffers->decoded);
    }
    const CodedMatrix q{cell_.q.codes, cell_.q.shape, scale_};
    const kernels::GroupRange range{first / kRowGroup, groups};
    if (takesIntegers()) {
        left_.prefetch(first, count);
        codec_->multiplyIntegers(q, job.codes, y, range);
    } else {
        codec_->multiply(
            q, {job.input.values, job.input.stride, y.values, y.stride, job.input.count}, range);
    }
    if (job.factorBits > 0) {
        job.reducedInputs->wait();
        left_.multiplyIntegers({first, count, job.factorBits}, job.reducedInputs->codes.view(), y);
    }
}

void Linear::finishRows(const Job& job, int64_t first, int64_t count) const {
    for (int64_t t = 0; t < job.input.count; ++t) {
        float* y = job.output + t * rows_ + first;
        kernels::blockHadamard(y, 1, count, outputBlock_);
        kernels::multiplyEach(y, outSign_.data() + first, count, y);
        for (int64_t i = 0; !cell_.bias.empty() && i < count; ++i) {
            y[i] += cell_.bias[static_cast<size_t>(first + i)];
        }
    }
}

GroupLinear::GroupLinear(std::vector<ArtifactCell> cells) {
    for (ArtifactCell& cell : cells) {
        if (cell.dense.empty()) {
            inSign_ = fp16ToFloats(cell.inSign);
            inputBlock_ = transformBlock(cell.transform, cell.q.shape.columns);
        }
        members_.emplace_back(std::move(cell));
    }
    const auto split = [this](size_t member, int64_t size, int64_t step) {
        for (int64_t first = 0; first < size; first += step) {
            units_.push_back({member, first, std::min(step, size - first)});
        }
    };
    for (size_t member = 0; member < members_.size(); ++member) {
        split(member, members_[member].rank(), kRowGroup);
    }
    rankUnits_ = units_.size();
    for (size_t member = 0; member < members_.size(); ++member) {
        split(member, members_[member].rows(), members_[member].unitRows());
    }
}

int64_t GroupLinear::bytes() const {
    auto bytes = static_cast<int64_t>(inSign_.size() * sizeof(uint16_t));
    for (const Linear& member : members_) {
        bytes += member.bytes();
    }
    return bytes;
}

void GroupLinear::rotate(ThreadPool& pool, LinearWorkspace& workspace, const float* x,
                         int64_t tokens) const {
    const int64_t padded = padTo(columns(), kInputColumns);
    std::vector<float>& rotated = workspace.rotated;
    rotated.resize(std::max(rotated.size(), static_cast<size_t>(tokens * padded)));
    const bool takesIntegers = std::any_of(members_.begin(), members_.end(),
                                           [](const Linear& m) { return m.takesIntegers(); });
    if (takesIntegers) {
        workspace.rotatedCodes.resize(tokens, columns(), workspace.activationBits);
    }
    pool.run(tokens, [&](int64_t t, int) {
        float* row = rotated.data() + t * padded;
        kernels::multiplyEach(x + t * columns(), inSign_.data(), columns(), row);
        std::fill(row + columns(), row + padded, 0.0F);
        kernels::blockHadamard(row, 1, columns(), inputBlock_);
        if (takesIntegers) {
            workspace.rotatedCodes.set(t, row);
        }
    });
}

std::vector<Linear::Job> GroupLinear::jobsFor(LinearWorkspace& workspace, const float* x,
                                              int64_t tokens,
                                              std::span<float* const> outputs) const {
    int64_t ranks = 0;
    for (const Linear& member : members_) {
        ranks += member.rank();
    }
    workspace.reduced.resize(
        std::max(workspace.reduced.size(), static_cast<size_t>(ranks * tokens)));
    std::vector<Linear::Job> jobs;
    float* reduced = workspace.reduced.data();
    for (size_t i = 0; i < members_.size(); ++i) {
        const Linear& member = members_[i];
        Linear::Job& job = jobs.emplace_back();
        job.input = {member.isCompressed() ? workspace.rotated.data() : x, tokens,
                     member.paddedColumns()};
        if (member.takesIntegers()) {
            job.codes = workspace.rotatedCodes.view();
            job.factorBits = member.hasIntegerFactors() ? workspace.activationBits : 0;
        }
        job.reducedInputs = &workspace.reducedInputs.at(i);
        job.reducedInputs->expect((member.rank() + kRowGroup - 1) / kRowGroup);
        if (job.factorBits > 0) {
            job.reducedInputs->codes.resize(tokens, member.rank(), kReducedBits);
        }
        job.reduced = reduced;
        job.output = outputs[i];
        reduced += member.rank() * tokens;
    }
    return jobs;
}

void GroupLinear::apply(ThreadPool& pool, LinearWorkspace& workspace, const float* x,
                        int64_t tokens, std::span<float* const> outputs) const {
    if (!inSign_.empty()) {
        rotate(pool, workspace, x, tokens);
    }
    workspace.threads.resize(static_cast<size_t>(pool.size()));
    const std::vector<Linear::Job> jobs = jobsFor(workspace, x, tokens, outputs);
    pool.run(static_cast<int64_t>(units_.size()), [&](int64_t i, int thread) {
        const Unit& unit = units_[static_cast<size_t>(i)];
        Linear::Job job = jobs[unit.member];
        job.buffers = &workspace.threads[static_cast<size_t>(thread)];
        const Linear& linear = members_[unit.member];
        if (static_cast<size_t>(i) < rankUnits_) {
            linear.reduceRows(job, unit.first, unit.count);
        } else {
            linear.applyRows(job, unit.first, unit.count);
        }
    });
}

} // namespace caldera
