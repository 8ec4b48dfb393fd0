#include "tests/gui/remote/small_bundle.h"

#include <QProcess>

#include <gtest/gtest.h>

#include "core/base/version.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

QString shell(const QString& script, const QStringList& arguments) {
    QProcess process;
    process.start(u"/bin/sh"_s, QStringList{u"-ec"_s, script, u"sh"_s} + arguments);
    EXPECT_TRUE(process.waitForFinished());
    EXPECT_EQ(process.exitCode(), 0) << process.readAllStandardError().toStdString();
    return QString::fromUtf8(process.readAllStandardOutput()).trimmed();
}

} // namespace

WorkerBundle packSmallBundle(const QString& folder, const QString& name, const QString& prefix) {
    const QString file = folder + u'/' + name + ".tar.gz"_L1;
    const QString script =
        u"mkdir -p $1/caldera-worker/bin; cd $1/caldera-worker\n"
        "printf '#!/bin/sh\\n%s exec %s \"$@\"\\n' \"$2\" \"$3\" >bin/caldera; chmod +x "
        "bin/caldera\n"
        "printf '{\\n  \"version\": \"%s\",\\n  \"architecture\": \"%s\",\\n  \"glibc\": "
        "\"2.17\"\\n}\\n' \"$4\" $(uname -m) >BUNDLE.json\n"
        "find . -type f ! -name SHA256SUMS -print0 | xargs -0 sha256sum >SHA256SUMS\n"
        "tar -C .. -czf \"$5\" caldera-worker; sha256sum <\"$5\" | cut -d' ' -f1"_s;
    const QString hash =
        shell(script, {folder + "/bundle-"_L1 + name, prefix, QStringLiteral(CALDERA_PROGRAM),
                       QString::fromStdString(std::string(programVersion())), file});
    return {hash, {}, file};
}

} // namespace caldera::studio
