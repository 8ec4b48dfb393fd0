#include "core/job/progress.h"

namespace caldera {

namespace {

class NoProgress final : public Progress {
public:
    void stage(const std::string& /*name*/) override {}
    void advance(int64_t /*done*/, int64_t /*total*/) override {}
    void event(const std::string& /*kind*/, nlohmann::json /*fields*/) override {}
};

} // namespace

Progress& noProgress() {
    static NoProgress progress;
    return progress;
}

double EtaClock::update(int64_t done, int64_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (first_ < 0 || done < first_) {
        start_ = now;
        first_ = done;
        return -1;
    }
    const double seconds = std::chrono::duration<double>(now - start_).count();
    if (done == first_ || seconds <= 0) {
        return -1;
    }
    return seconds / static_cast<double>(done - first_) * static_cast<double>(total - done);
}

} // namespace caldera
