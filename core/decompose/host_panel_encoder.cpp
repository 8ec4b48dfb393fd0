#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "core/decompose/panel_encoder.h"
#include "core/decompose/scales.h"
#include "core/job/progress.h"

namespace caldera {

namespace {

/// Rows encoded by one thread at a time.
constexpr int64_t kRowsPerTask = 4 * kRowGroup;

std::span<std::byte> bytesOf(const torch::Tensor& codes) {
    return {reinterpret_cast<std::byte*>(codes.data_ptr<uint8_t>()),
            static_cast<size_t>(codes.numel())};
}

/// The factor of block k on the processor, in rows; nothing where the step has none.
torch::Tensor blockFactor(const PanelStep& step, int64_t k) {
    return step.blockFactors.defined() ? step.blockFactors[k].to(at::kCPU).contiguous()
                                       : torch::Tensor();
}

class HostPanelEncoder : public PanelEncoder {
public:
    HostPanelEncoder(const Codec& codec, MatrixShape shape, std::stop_token stop)
        : codec_(codec), shape_(shape), stop_(std::move(stop)) {}

    torch::Tensor emptyCodes() const override {
        return at::empty({codec_.codeBytes(shape_)}, at::kByte);
    }
    void feedback(const PanelStep& step, QuantizedWeight& q, torch::Tensor& error) const override;
    void descend(const PanelStep& step, QuantizedWeight& q, torch::Tensor& error) const override;
    void nearest(const torch::Tensor& x, QuantizedWeight& q) const override;

private:
    torch::Tensor encodeColumns(const torch::Tensor& x, int64_t block, const torch::Tensor& codes,
                                const torch::Tensor& factor = {}) const;
    void takeCodes(int64_t block, const torch::Tensor& accepted, const torch::Tensor& from,
                   const torch::Tensor& to) const;
    void keep(const PanelStep& step, const torch::Tensor& values, QuantizedWeight& q,
              torch::Tensor& error) const;

    const Codec& codec_;
    MatrixShape shape_;
    std::stop_token stop_;
    mutable torch::Tensor scratch_; ///< codes that are not accepted yet
};

/// x [paddedRows, V], divided by the scale; factor [V, V] of the block's metric, or nothing.
/// Returns the decoded values.
torch::Tensor HostPanelEncoder::encodeColumns(const torch::Tensor& x, int64_t block,
                                              const torch::Tensor& codes,
                                              const torch::Tensor& factor) const {
    const std::span<std::byte> bytes = bytesOf(codes);
    const torch::Tensor input = x.contiguous(); // [paddedRows, V]
    torch::Tensor decoded = at::empty_like(input);
    const int64_t width = codec_.blockColumns();
    const int64_t rows = input.size(0);
    const std::span<const float> cholesky =
        factor.defined()
            ? std::span<const float>(factor.data_ptr<float>(), static_cast<size_t>(factor.numel()))
            : std::span<const float>();
    const auto* in = input.data_ptr<float>();
    auto* out = decoded.data_ptr<float>();
    const int64_t tasks = (rows + kRowsPerTask - 1) / kRowsPerTask;
    at::parallel_for(0, tasks, 1, [&](int64_t begin, int64_t end) {
        const int64_t first = begin * kRowsPerTask;
        const int64_t last = std::min(end * kRowsPerTask, rows);
        const auto size = static_cast<size_t>((last - first) * width);
        codec_.encodeWeighed({{in + first * width, size}, cholesky}, shape_, {block, first}, bytes,
                             {out + first * width, size});
    });
    return decoded;
}

/// Copies the codes of one column block where they were accepted. accepted
/// [paddedRows / blockRows] bool.
void HostPanelEncoder::takeCodes(int64_t block, const torch::Tensor& accepted,
                                 const torch::Tensor& from, const torch::Tensor& to) const {
    const std::span<const std::byte> source = bytesOf(from);
    const std::span<std::byte> codes = bytesOf(to);
    const auto bytes = static_cast<size_t>(codec_.blockBytes());
    const bool* taken = accepted.data_ptr<bool>();
    for (int64_t i = 0; i < accepted.size(0); ++i) {
        if (taken[i]) {
            const auto offset =
                static_cast<size_t>(codec_.blockOffset(shape_, {block, i * codec_.blockRows()}));
            std::memcpy(codes.data() + offset, source.data() + offset, bytes);
        }
    }
}

void HostPanelEncoder::keep(const PanelStep& step, const torch::Tensor& values, QuantizedWeight& q,
                            torch::Tensor& error) const {
    const auto [first, count] = step.panel;
    torch::Tensor own = q.values.narrow(1, first, count);
    own.copy_(values);
    error.narrow(1, first, count).copy_(step.target - own * q.scale);
}

void HostPanelEncoder::feedback(const PanelStep& step, QuantizedWeight& q,
                                torch::Tensor& error) const {
    const int64_t width = codec_.blockColumns();
    const int64_t firstBlock = step.panel.first / width;
    const torch::Tensor target = step.target.to(at::kCPU);
    const torch::Tensor factor = step.coefficients.to(at::kCPU);
    const torch::Tensor scale = q.scale.to(at::kCPU);
    const torch::Tensor inverse = inverseScale(scale);
    torch::Tensor corrected = step.steering.to(at::kCPU);
    torch::Tensor values = at::empty_like(target);
    for (int64_t k = target.size(1) / width - 1; k >= 0; --k) {
        checkCancelled(stop_);
        const int64_t column = k * width;
        const torch::Tensor decoded = encodeColumns(corrected.narrow(1, column, width) * inverse,
                                                    firstBlock + k, q.codes, blockFactor(step, k));
        values.narrow(1, column, width).copy_(decoded);
        if (k > 0) {
            const torch::Tensor behind = target.narrow(1, column, width) - decoded * scale;
            corrected.narrow(1, 0, column)
                .addmm_(behind, factor.narrow(0, column, width).narrow(1, 0, column));
        }
    }
    keep(step, values, q, error);
}

void HostPanelEncoder::descend(const PanelStep& step, QuantizedWeight& q,
                               torch::Tensor& error) const {
    const int64_t width = codec_.blockColumns();
    const int64_t firstBlock = step.panel.first / width;
    const torch::Tensor hessian = step.coefficients.to(at::kCPU).contiguous();
    const torch::Tensor inverses = step.inverses.to(at::kCPU);
    const torch::Tensor scale = q.scale.to(at::kCPU);
    const torch::Tensor inverse = inverseScale(scale);
    if (!scratch_.defined()) {
        scratch_ = emptyCodes();
    }
    torch::Tensor gradient = step.steering.to(at::kCPU);
    torch::Tensor values =
        q.values.narrow(1, step.panel.first, step.panel.count).to(at::kCPU).clone();
    for (int64_t k = values.size(1) / width - 1; k >= 0; --k) {
        checkCancelled(stop_);
        const int64_t column = k * width;
        torch::Tensor current = values.narrow(1, column, width);
        const torch::Tensor slope = gradient.narrow(1, column, width);
        const torch::Tensor rows = hessian.narrow(0, column, width); // [V, panel]
        const torch::Tensor optimum = current * scale + at::mm(slope, inverses[k]);
        const torch::Tensor decoded =
            encodeColumns(optimum * inverse, firstBlock + k, scratch_, blockFactor(step, k));
        const torch::Tensor move = (decoded - current) * scale;
        const torch::Tensor change =
            (move * (at::mm(move, rows.narrow(1, column, width)) - slope * 2)).sum(1);
        const torch::Tensor better = change.view({-1, codec_.blockRows()}).sum(1) < 0;
        takeCodes(firstBlock + k, better, scratch_, q.codes);
        const torch::Tensor accepted =
            better.to(at::kFloat).repeat_interleave(codec_.blockRows(), 0).unsqueeze(1);
        current.copy_(at::where(accepted > 0, decoded, current));
        gradient.addmm_(move * accepted, rows, 1, -1);
    }
    keep(step, values, q, error);
}

void HostPanelEncoder::nearest(const torch::Tensor& x, QuantizedWeight& q) const {
    const int64_t width = codec_.blockColumns();
    const torch::Tensor input = x.to(at::kCPU);
    torch::Tensor values = at::empty_like(input);
    for (int64_t block = 0; block < x.size(1) / width; ++block) {
        checkCancelled(stop_);
        const int64_t column = block * width;
        values.narrow(1, column, width)
            .copy_(encodeColumns(input.narrow(1, column, width), block, q.codes));
    }
    q.values = values.to(x.device());
}

} // namespace

std::unique_ptr<PanelEncoder> makeHostPanelEncoder(const Codec& codec, MatrixShape shape,
                                                   std::stop_token stop) {
    return std::make_unique<HostPanelEncoder>(codec, shape, std::move(stop));
}

} // namespace caldera
