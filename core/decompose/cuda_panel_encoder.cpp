#include "core/decompose/panel_encoder.h"

#ifdef CALDERA_CUDA

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/e8p/e8p_cuda.h"
#include "kernels/panel/panel_cuda.h"
#include "kernels/trellis/trellis_cuda.h"

namespace caldera {

namespace {

static_assert(kPanelColumns <= kernels::cuda::kPanelColumns);

kernels::CudaStream currentStream() {
    return c10::cuda::getCurrentCUDAStream().stream();
}

/// What a codec does on the GPU.
struct CodecKernels {
    using Panel = std::function<void(const kernels::cuda::PanelTask&, kernels::CudaStream)>;
    using Nearest = std::function<void(const float* x, int64_t groups, uint8_t* codes,
                                       float* decoded, kernels::CudaStream)>;
    Panel feedback;
    Panel descent;
    Nearest nearest; ///< groups: blocks of 16 rows, in kernel order
};

CodecKernels trellisKernels(const kernels::TrellisCode& code) {
    using kernels::CudaStream;
    using kernels::cuda::PanelTask;
    return {
        [&code](const PanelTask& task, CudaStream stream) {
            kernels::cuda::trellisFeedback(code, task, stream);
        },
        [&code](const PanelTask& task, CudaStream stream) {
            kernels::cuda::trellisDescent(code, task, stream);
        },
        [&code](const float* x, int64_t groups, uint8_t* codes, float* decoded, CudaStream stream) {
            kernels::cuda::trellisEncode(code, x, groups, codes, decoded, stream);
        }};
}

CodecKernels e8pKernels() {
    return {kernels::cuda::e8pFeedback, kernels::cuda::e8pDescent,
            [](const float* x, int64_t groups, uint8_t* codes, float* decoded,
               kernels::CudaStream stream) {
                kernels::cuda::e8pEncode(x, groups * kRowGroup, reinterpret_cast<uint16_t*>(codes),
                                         decoded, stream);
            }};
}

/// Nothing when the codec has no kernels.
std::optional<CodecKernels> kernelsOf(const std::string& codec) {
    if (const kernels::TrellisCode* code = kernels::trellisCode(codec)) {
        return trellisKernels(*code);
    }
    return codec == "e8p-2" ? std::optional(e8pKernels()) : std::nullopt;
}

/// One launch a panel; nothing waits for the GPU.
class CudaPanelEncoder : public PanelEncoder {
public:
    CudaPanelEncoder(const Codec& codec, MatrixShape shape, const torch::Device& device,
                     CodecKernels codecKernels)
        : device_(device), width_(codec.blockColumns()), bytes_(codec.codeBytes(shape)),
          blocks_(padTo(shape.columns, width_) / width_), kernels_(std::move(codecKernels)) {}

    torch::Tensor emptyCodes() const override {
        return at::empty({bytes_}, at::TensorOptions(at::kByte).device(device_));
    }
    void feedback(const PanelStep& step, QuantizedWeight& q, torch::Tensor& error) const override {
        launch(kernels_.feedback, step, q, error);
    }
    void descend(const PanelStep& step, QuantizedWeight& q, torch::Tensor& error) const override {
        launch(kernels_.descent, step, q, error);
    }
    void nearest(const torch::Tensor& x, QuantizedWeight& q) const override;

private:
    /// Dense copies of what a step names; they live as long as the launch needs their addresses.
    struct Operands {
        torch::Tensor steering;
        torch::Tensor coefficients;
        torch::Tensor inverses;
    };

    static Operands prepare(const PanelStep& step) {
        return {step.steering.contiguous(), step.coefficients.contiguous(),
                step.inverses.defined() ? step.inverses.contiguous() : torch::Tensor()};
    }

    void launch(const CodecKernels::Panel& panel, const PanelStep& step, QuantizedWeight& q,
                torch::Tensor& error) const {
        const c10::DeviceGuard guard(device_);
        const Operands operands = prepare(step);
        panel(taskOf(step, operands, q, error), currentStream());
    }
    kernels::cuda::PanelTask taskOf(const PanelStep& step, const Operands& operands,
                                    QuantizedWeight& q, torch::Tensor& error) const;

    torch::Device device_;
    int64_t width_;
    int64_t bytes_;
    int64_t blocks_;
    CodecKernels kernels_;
};

kernels::cuda::PanelTask CudaPanelEncoder::taskOf(const PanelStep& step, const Operands& operands,
                                                  QuantizedWeight& q, torch::Tensor& error) const {
    kernels::cuda::PanelTask task;
    task.rows = step.target.size(0);
    task.width = step.panel.count;
    task.target = step.target.data_ptr<float>();
    task.targetStride = step.target.stride(0);
    task.steering = operands.steering.data_ptr<float>();
    task.coefficients = operands.coefficients.data_ptr<float>();
    task.inverses = operands.inverses.defined() ? operands.inverses.data_ptr<float>() : nullptr;
    task.scale = q.scale.data_ptr<float>();
    task.values = q.values.data_ptr<float>() + step.panel.first;
    task.valuesStride = q.values.stride(0);
    task.error = error.data_ptr<float>() + step.panel.first;
    task.errorStride = error.stride(0);
    task.codes = q.codes.data_ptr<uint8_t>();
    task.firstBlock = step.panel.first / width_;
    task.blocks = blocks_;
    return task;
}

void CudaPanelEncoder::nearest(const torch::Tensor& x, QuantizedWeight& q) const {
    const c10::DeviceGuard guard(device_);
    const int64_t groups = x.size(0) / kRowGroup;
    // Kernel order: by group, in it by column block, in it by row.
    const torch::Tensor input =
        x.view({groups, kRowGroup, blocks_, width_}).transpose(1, 2).contiguous();
    torch::Tensor decoded = at::empty_like(input);
    kernels_.nearest(input.data_ptr<float>(), groups * blocks_, q.codes.data_ptr<uint8_t>(),
                     decoded.data_ptr<float>(), currentStream());
    q.values = decoded.transpose(1, 2).contiguous().view(x.sizes());
}

} // namespace

std::unique_ptr<PanelEncoder> makeCudaPanelEncoder(const Codec& codec, MatrixShape shape,
                                                   const torch::Device& device) {
    std::optional<CodecKernels> codecKernels = kernelsOf(codec.id());
    if (!codecKernels) {
        return nullptr;
    }
    return std::make_unique<CudaPanelEncoder>(codec, shape, device, std::move(*codecKernels));
}

} // namespace caldera

#else

namespace caldera {

std::unique_ptr<PanelEncoder> makeCudaPanelEncoder(const Codec&, MatrixShape,
                                                   const torch::Device&) {
    return nullptr;
}

} // namespace caldera

#endif
