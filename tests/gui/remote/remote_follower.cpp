// The part of the studio that follows jobs elsewhere, as a program of its own that can be killed:
// remote_follower FOLDER. A job that is lost, or whose worker was killed before its first word, is
// resumed.
#include <QCoreApplication>
#include <QTimer>

#include "widgets/jobs/job_service.h"

int main(int argc, char** argv) {
    using namespace caldera::studio;
    QCoreApplication application(argc, argv);
    JobService service(QString::fromLocal8Bit(argv[1]), QStringLiteral("/nowhere/caldera"));
    const auto look = [&service](const QString& id) {
        const JobSummary job = service.job(id);
        if (job.phase == QStringLiteral("lost") || job.code == QStringLiteral("remote.start")) {
            QTimer::singleShot(300, &service, [&service, id] { service.resume(id); });
        }
    };
    QObject::connect(&service, &JobService::jobAdded, &service, look);
    QObject::connect(&service, &JobService::jobChanged, &service, look);
    return QCoreApplication::exec();
}
