// Device memory for the GPU tests.
#pragma once

#include <vector>

#include <cuda_runtime.h>

template <class Value>
class DeviceArray {
public:
    explicit DeviceArray(const std::vector<Value>& host) : size_(host.size()) {
        cudaMalloc(&data_, size_ * sizeof(Value));
        cudaMemcpy(data_, host.data(), size_ * sizeof(Value), cudaMemcpyHostToDevice);
    }
    ~DeviceArray() { cudaFree(data_); }
    DeviceArray(const DeviceArray&) = delete;
    DeviceArray& operator=(const DeviceArray&) = delete;

    Value* data() { return data_; }
    std::vector<Value> toHost() const {
        std::vector<Value> host(size_);
        cudaMemcpy(host.data(), data_, size_ * sizeof(Value), cudaMemcpyDeviceToHost);
        return host;
    }

private:
    Value* data_ = nullptr;
    size_t size_ = 0;
};
