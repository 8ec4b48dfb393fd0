#include "tests/gui/remote/pod_studio.h"

#include "widgets/remote/runpod_provider.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

using std::chrono::milliseconds;

constexpr RunpodPatience kPatience{4, milliseconds(1), milliseconds(8), milliseconds(5000),
                                   milliseconds(3000)};

} // namespace

PodTiming shortPodTiming() {
    return {milliseconds(20), milliseconds(100), milliseconds(50), milliseconds(3000),
            std::chrono::seconds(900)};
}

PodStudio::PodStudio(const PodStudioPlace& place, PodJobs::Renew renew)
    : jobs(place.root + "/jobs"_L1, u"/nowhere/caldera"_s),
      pods(place.root + "/pods"_L1, shortPodTiming()),
      podJobs(
          jobs, pods, place.root + "/keys"_L1,
          [](const std::function<void()>& then, const std::function<void(const Error&)>&) {
              then();
          },
          renew ? std::move(renew) : [](const PodRecord& record) { return record; }) {
    podJobs.setBundle(place.bundle);
    podJobs.setWatch(place.watch);
    podJobs.takeRecords(loadPodRecords(place.root + "/pods"_L1));
    pods.setProvider(std::make_unique<RunpodProvider>(QString::fromUtf8(place.watch.key),
                                                      QUrl(place.watch.api), kPatience));
}

PodOrder cheapOrder(const QString& volumePath) {
    PodOrder order;
    order.request.image = u"runpod/pytorch"_s;
    order.request.gpus = {u"NVIDIA GeForce RTX 3090"_s};
    order.request.ceiling = 1;
    order.request.volume = {u"vol_models"_s, u"models"_s, 300, u"EU-RO-1"_s, 21};
    order.request.volumePath = volumePath;
    order.cap = 5;
    return order;
}

} // namespace caldera::studio
