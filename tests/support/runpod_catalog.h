// What the played RunPod rents out.
#pragma once

#include <nlohmann/json.hpp>

namespace caldera::test {

nlohmann::json runpodOffers();
nlohmann::json runpodVolumes();

} // namespace caldera::test
