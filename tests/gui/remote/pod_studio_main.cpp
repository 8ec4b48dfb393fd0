// That part of the studio as a program of its own that can be killed. Standard input brings one
// object of JSON: root, api, key, sha256, archive; and volume, arguments, plan of a job that is
// started where there is none. A job that failed is resumed.
#include <iostream>
#include <iterator>

#include <QCoreApplication>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTimer>

#include "tests/gui/remote/pod_studio.h"

namespace {

using namespace caldera::studio;
using namespace Qt::StringLiterals;

constexpr int kResumeAfter = 300; // ms

PodStudioPlace placeOf(const QJsonObject& json) {
    PodStudioPlace place;
    place.root = json["root"_L1].toString();
    place.watch.api = json["api"_L1].toString();
    place.watch.key = json["key"_L1].toString().toUtf8();
    place.watch.every = 0.2;
    place.watch.farewell = 2;
    place.bundle = {json["sha256"_L1].toString(), {}, json["archive"_L1].toString()};
    return place;
}

void startFirst(PodStudio& studio, const QJsonObject& json) {
    if (!studio.jobs.jobs().isEmpty()) {
        return;
    }
    QStringList arguments;
    for (const QJsonValue word : json["arguments"_L1].toArray()) {
        arguments.append(word.toString());
    }
    studio.podJobs.start({u"compress"_s,
                          u"Demo"_s,
                          arguments,
                          {},
                          {},
                          {{u"plan.yaml"_s, json["plan"_L1].toString().toUtf8()}}},
                         cheapOrder(json["volume"_L1].toString()));
}

} // namespace

int main(int argc, char** argv) {
    QCoreApplication application(argc, argv);
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    const QJsonObject json = QJsonDocument::fromJson(QByteArray::fromStdString(text)).object();
    PodStudio studio(placeOf(json));
    const auto look = [&studio](const QString& id) {
        if (studio.jobs.job(id).phase == "failed"_L1) {
            QTimer::singleShot(kResumeAfter, &studio.jobs, [&studio, id] {
                if (studio.jobs.job(id).phase == "failed"_L1) {
                    studio.jobs.resume(id);
                }
            });
        }
    };
    QObject::connect(&studio.jobs, &JobService::jobAdded, &studio.jobs, look);
    QObject::connect(&studio.jobs, &JobService::jobChanged, &studio.jobs, look);
    QObject::connect(&studio.jobs, &JobService::becameReady, &studio.jobs,
                     [&] { startFirst(studio, json); });
    return QCoreApplication::exec();
}
