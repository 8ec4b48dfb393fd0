#include "tests/support/runpod_catalog.h"

namespace caldera::test {

using Json = nlohmann::json;

namespace {

Json offer(const std::string& id, const std::string& name, int memory, double price) {
    return {{"id", id},
            {"name", name},
            {"pool", nullptr},
            {"manufacturer", "NVIDIA"},
            {"memory", memory},
            {"secure", true},
            {"community", true},
            {"price", {{"secure", price}, {"community", price * 0.8}}},
            {"maxCount", {{"secure", 8}, {"community", 4}}},
            {"availability", "HIGH"},
            {"dataCenters",
             Json::array({{{"id", "EU-RO-1"}, {"name", "EU Romania 1"}, {"availability", "HIGH"}},
                          {{"id", "US-TX-3"}, {"name", "US Texas 3"}, {"availability", "LOW"}}})}};
}

} // namespace

Json runpodOffers() {
    return Json::array({offer("NVIDIA H100 80GB HBM3", "H100 SXM", 80, 3.49),
                        offer("NVIDIA A100 80GB PCIe", "A100 PCIe", 80, 1.59),
                        offer("NVIDIA GeForce RTX 3090", "RTX 3090", 24, 0.46)});
}

Json runpodVolumes() {
    return {{"networkVolumes", Json::array({{{"id", "vol_models"},
                                             {"name", "models"},
                                             {"size", 300},
                                             {"dataCenter", "EU-RO-1"},
                                             {"type", "STANDARD"}},
                                            {{"id", "vol_small"},
                                             {"name", "small"},
                                             {"size", 20},
                                             {"dataCenter", "US-TX-3"},
                                             {"type", "STANDARD"}}})}};
}

} // namespace caldera::test
