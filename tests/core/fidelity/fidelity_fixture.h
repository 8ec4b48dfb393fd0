// A measurement of a tiny model, for the tests of fidelity.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/file.h"
#include "core/fidelity/fidelity.h"
#include "tests/support/random_model.h"

namespace caldera::test {

/// Keeps what a job's reader would see.
class RecordingProgress : public Progress {
public:
    void stage(const std::string& name) override { stages.push_back(name); }
    void advance(int64_t done, int64_t total) override {
        last = done;
        whole = total;
    }
    void event(const std::string& kind, nlohmann::json fields) override {
        if (kind == "cell") {
            cells.push_back(std::move(fields));
        }
    }

    std::vector<std::string> stages;
    std::vector<nlohmann::json> cells;
    int64_t last = -1;
    int64_t whole = 0;
};

inline FidelityRequest requestFor(std::shared_ptr<Model> model) {
    const auto path = std::filesystem::path(testing::TempDir()) / "caldera-fidelity-text.txt";
    writeFileAtomically(path, tinyText(4000));
    model->tokenizer = tinyTokenizer();
    FidelityRequest request;
    request.heldOut = {tinyText(400, 2), 320, 32};
    request.sipit.places = 20;
    request.sipit.candidates = 12;
    request.lens.negatives = 64;
    request.plan = defaultPlan("tiny", model->config);
    request.plan.calibration.text = path.string();
    request.plan.calibration.tokens = 2048;
    request.model = std::move(model);
    return request;
}

inline Report run(const FidelityRequest& request) {
    return measureFidelity(request, noProgress(), {});
}

} // namespace caldera::test
