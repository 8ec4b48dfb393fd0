#include "widgets/remote/pod_quote.h"

#include <QCoreApplication>
#include <QDir>

#include "core/base/error.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr double kSecondsPerHour = 3600;
constexpr double kSecondsPerMonth = 730 * kSecondsPerHour; // as providers count
constexpr double kBytesPerGb = 1e9;
constexpr double kSmallSum = 0.1; // dollars; below, cents are too coarse

QString tr(const char* text) {
    return QCoreApplication::translate("PodQuote", text);
}

void checkFolder(const PodRequest& request, const QString& jobFolder) {
    const QString clean = QDir::cleanPath(jobFolder);
    if (!request.volume.id.isEmpty() && clean.startsWith(u'/') &&
        clean.startsWith(QDir::cleanPath(request.volumePath) + u'/'))
        return;
    throw Error("pod.folder",
                tr("The job's folder %1 is not on a network volume, so everything in it would be "
                   "lost with the pod. Choose a volume, and a folder below %2.")
                    .arg(jobFolder, request.volumePath)
                    .toStdString());
}

} // namespace

QString dollarText(double dollars) {
    return u"$"_s + QString::number(dollars, 'f', dollars > 0 && dollars < kSmallSum ? 3 : 2);
}

PodQuote quotePod(const PodWork& work, double hourlyPrice, const PodVolume& volume,
                  const PodRates& rates) {
    PodQuote quote;
    quote.provisioningSeconds = rates.provisioningSeconds;
    quote.downloadSeconds = work.downloadBytes / rates.downloadBytesPerSecond;
    quote.workSeconds = work.workSeconds;
    quote.fetchSeconds = work.fetchBytes / rates.fetchBytesPerSecond;
    quote.podDollars = quote.seconds() * hourlyPrice / kSecondsPerHour;
    quote.storageMonthly = volume.monthlyPrice;
    quote.storageDollars = volume.monthlyPrice * quote.seconds() / kSecondsPerMonth;
    return quote;
}

void checkPodJob(const PodRequest& request, const QString& jobFolder, const PodPriced& job,
                 double cap) {
    const PodWork& work = job.work;
    const PodQuote quote = quotePod(work, job.hourlyPrice, request.volume);
    checkFolder(request, jobFolder);
    if (work.volumeBytes > request.volume.sizeGb * kBytesPerGb)
        throw Error("pod.volume", tr("The volume %1 has %2 GB, and the job needs %3 GB on it. Make "
                                     "the volume larger at the provider, or choose another.")
                                      .arg(request.volume.name)
                                      .arg(request.volume.sizeGb)
                                      .arg(work.volumeBytes / kBytesPerGb, 0, 'f', 0)
                                      .toStdString());
    if (quote.dollars() > cap)
        throw Error("pod.cap", tr("The job would cost about %1 at %2 an hour, and at most %3 was "
                                  "allowed. Raise the cap, or choose a cheaper GPU.")
                                   .arg(dollarText(quote.dollars()), dollarText(job.hourlyPrice),
                                        dollarText(cap))
                                   .toStdString());
}

} // namespace caldera::studio
