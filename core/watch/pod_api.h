// The three things that a pod asks of its provider about itself.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace caldera {

/// How the provider sees the pod.
struct PodView {
    bool costs = true;        ///< false: stopped or given back
    bool onVolume = false;    ///< a network volume is mounted, which outlives the pod
    double hourlyPrice = 0;   ///< US dollars
    double rentedSeconds = 0; ///< by the provider's clock
};

/// RunPod's REST API v2 for one pod. Keys are tried in their order: one that is refused gives way
/// to the next. They stay in memory. Every call throws Error("watch.refused") when no key may do
/// it, ("watch.address") and ("watch.provider") for a server that does not answer as it should.
class PodApi {
public:
    /// `url`: "https://api.runpod.io/v2".
    PodApi(const std::string& url, std::string podId, std::vector<std::string> keys);
    ~PodApi();
    PodApi(const PodApi&) = delete;
    PodApi& operator=(const PodApi&) = delete;

    PodView look();
    /// False when the provider does not allow it in the pod's present state.
    bool stop();
    void giveBack();

private:
    struct Answer;
    Answer ask(const std::string& verb, const std::string& path, const std::string& body);
    Answer send(const std::string& verb, const std::string& path, const std::string& body,
                const std::string& key) const;

    std::string server_;
    std::string pod_; ///< path
    std::vector<std::string> keys_;
    size_t key_ = 0; ///< the one that was taken last
};

} // namespace caldera
