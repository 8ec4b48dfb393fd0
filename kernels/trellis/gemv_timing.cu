#include "kernels/trellis/gemv_timing.h"

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <cuda_runtime.h>

#include "kernels/common/kernel_error.h"
#include "kernels/hadamard/hadamard.h"
#include "kernels/trellis/gemv_cuda.h"

namespace caldera::kernels::cuda {
namespace {

constexpr int kLeastMatrices = 10;
constexpr double kCacheBytes = 256 << 20; ///< more than any GPU's second-level cache
constexpr int kReplays = 21;
constexpr size_t kCopyBytes = size_t{1} << 30;
constexpr uint16_t kHalfOne = 0x3C00;

void require(cudaError_t status) {
    if (status != cudaSuccess) {
        cudaGetLastError(); // looked at: later calls start clean
        throw KernelError(std::string("The timing of products failed on the GPU (") +
                          cudaGetErrorString(status) + ").");
    }
}

template <class Value>
class DeviceMemory {
public:
    explicit DeviceMemory(size_t count) { require(cudaMalloc(&data_, count * sizeof(Value))); }
    explicit DeviceMemory(const std::vector<Value>& host) : DeviceMemory(host.size()) {
        require(
            cudaMemcpy(data_, host.data(), host.size() * sizeof(Value), cudaMemcpyHostToDevice));
    }
    ~DeviceMemory() { cudaFree(data_); }
    DeviceMemory(const DeviceMemory&) = delete;
    DeviceMemory& operator=(const DeviceMemory&) = delete;
    Value* data() const { return data_; }

private:
    Value* data_ = nullptr;
};

/// Median seconds of a replay of what `launch` puts on a stream.
double replaySeconds(const std::function<void(cudaStream_t)>& launch) {
    cudaStream_t stream = nullptr;
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t replay = nullptr;
    cudaEvent_t begin = nullptr;
    cudaEvent_t end = nullptr;
    require(cudaStreamCreate(&stream));
    launch(stream); // copies its tables before anything is captured
    require(cudaStreamSynchronize(stream));
    require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    launch(stream);
    require(cudaStreamEndCapture(stream, &graph));
    require(cudaGraphInstantiate(&replay, graph, 0));
    require(cudaEventCreate(&begin));
    require(cudaEventCreate(&end));
    std::vector<float> milliseconds(kReplays);
    for (float& each : milliseconds) {
        require(cudaEventRecord(begin, stream));
        require(cudaGraphLaunch(replay, stream));
        require(cudaEventRecord(end, stream));
        require(cudaEventSynchronize(end));
        require(cudaEventElapsedTime(&each, begin, end));
    }
    cudaEventDestroy(end);
    cudaEventDestroy(begin);
    cudaGraphExecDestroy(replay);
    cudaGraphDestroy(graph);
    cudaStreamDestroy(stream);
    std::sort(milliseconds.begin(), milliseconds.end());
    return milliseconds[kReplays / 2] * 1e-3;
}

std::vector<uint8_t> randomBytes(size_t count) {
    std::mt19937 random(1);
    std::vector<uint8_t> bytes(count);
    for (uint8_t& byte : bytes) {
        byte = static_cast<uint8_t>(random());
    }
    return bytes;
}

/// Everything that a product needs, with several matrices.
class Products {
public:
    Products(const TrellisCode& code, int64_t rows, int64_t columns)
        : code_(code), rows_(rows), columns_(columns), groups_((rows + 15) / 16),
          blocks_(columns / code.columns),
          inputBlocks_((columns + kQuantizedBlock - 1) / kQuantizedBlock),
          shape_(gemvShape(groups_, inputBlocks_)),
          codeBytes_(static_cast<size_t>(groups_ * blocks_ * code.groupBytes())),
          count_(std::max(kLeastMatrices, static_cast<int>(kCacheBytes / codeBytes_) + 1)),
          codes_(codeBytes_ * count_), scale_(std::vector<float>(groups_, 0.01F)),
          x_(std::vector<uint16_t>(columns, kHalfOne)),
          inSign_(std::vector<uint16_t>(columns, kHalfOne)),
          outSign_(std::vector<uint16_t>(rows, kHalfOne)), y_(rows),
          inputCodes_(inputBlocks_ * kQuantizedBlock), inputScale_(inputBlocks_),
          inputSum_(inputBlocks_), partial_(shape_.splits * groups_ * kTrellisRows) {
        const std::vector<uint8_t> bytes = randomBytes(codeBytes_);
        for (int i = 0; i < count_; ++i) {
            require(cudaMemcpy(codes_.data() + i * codeBytes_, bytes.data(), codeBytes_,
                               cudaMemcpyHostToDevice));
        }
    }

    int count() const { return count_; }
    double bytes() const { return static_cast<double>(codeBytes_) + 2.0 * groups_; }

    void quantize(cudaStream_t stream) const {
        quantizeInput(x_.data(), inSign_.data(), {columns_, hadamardBlock(columns_)},
                      {inputCodes_.data(), inputScale_.data(), inputSum_.data(), inputBlocks_},
                      stream);
    }
    void multiply(int matrix, cudaStream_t stream) const {
        trellisGemv({&code_, codes_.data() + matrix * codeBytes_, scale_.data(), groups_, blocks_},
                    input(), shape_, partial_.data(), stream);
    }
    void rotate(cudaStream_t stream) const {
        rotateOutput(
            {partial_.data(), shape_.splits, groups_ * kTrellisRows, scale_.data(), code_.step},
            input(), outSign_.data(), nullptr, {rows_, hadamardBlock(rows_)}, y_.data(), stream);
    }

private:
    QuantizedVector input() const {
        return {inputCodes_.data(), inputScale_.data(), inputSum_.data(), inputBlocks_};
    }

    const TrellisCode& code_;
    int64_t rows_;
    int64_t columns_;
    int64_t groups_;
    int64_t blocks_;
    int64_t inputBlocks_;
    GemvShape shape_;
    size_t codeBytes_;
    int count_;
    DeviceMemory<uint8_t> codes_;
    DeviceMemory<float> scale_;
    DeviceMemory<uint16_t> x_;
    DeviceMemory<uint16_t> inSign_;
    DeviceMemory<uint16_t> outSign_;
    DeviceMemory<uint16_t> y_;
    DeviceMemory<int8_t> inputCodes_;
    DeviceMemory<float> inputScale_;
    DeviceMemory<int32_t> inputSum_;
    DeviceMemory<float> partial_;
};

double copyBytesPerSecond() {
    const DeviceMemory<uint8_t> from(kCopyBytes);
    const DeviceMemory<uint8_t> to(kCopyBytes);
    const double seconds = replaySeconds([&](cudaStream_t stream) {
        require(
            cudaMemcpyAsync(to.data(), from.data(), kCopyBytes, cudaMemcpyDeviceToDevice, stream));
    });
    return 2.0 * kCopyBytes / seconds;
}

} // namespace

GemvTiming timeTrellisGemv(const TrellisCode& code, int64_t rows, int64_t columns) {
    const Products products(code, rows, columns);
    GemvTiming timing;
    timing.matrices = products.count();
    timing.bytes = products.bytes();
    const double each = 1e6 / products.count();
    timing.microseconds = each * replaySeconds([&](cudaStream_t stream) {
                              for (int i = 0; i < products.count(); ++i) {
                                  products.quantize(stream);
                                  products.multiply(i, stream);
                                  products.rotate(stream);
                              }
                          });
    timing.productMicroseconds = each * replaySeconds([&](cudaStream_t stream) {
                                     for (int i = 0; i < products.count(); ++i) {
                                         products.multiply(i, stream);
                                     }
                                 });
    timing.copyBytesPerSecond = copyBytesPerSecond();
    return timing;
}

} // namespace caldera::kernels::cuda
