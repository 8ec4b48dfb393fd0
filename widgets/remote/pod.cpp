#include "widgets/remote/pod.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
const QString kPrefix = u"caldera-"_s;
}

QString podName(const QString& jobId) {
    return kPrefix + jobId;
}

QString jobOfPod(const QString& name) {
    return name.startsWith(kPrefix) ? name.mid(kPrefix.size()) : QString();
}

} // namespace caldera::studio
