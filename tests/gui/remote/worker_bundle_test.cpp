#include "widgets/remote/worker_bundle.h"

#include <QFile>
#include <QTemporaryDir>

#include <gtest/gtest.h>

#include "tests/support/code_of.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;
using caldera::test::codeOf;

namespace {

class WorkerBundleTest : public ::testing::Test {
protected:
    QString write(const QString& name, const QByteArray& text) const {
        QFile file(folder_.filePath(name));
        EXPECT_TRUE(file.open(QIODevice::WriteOnly));
        file.write(text);
        return file.fileName();
    }

    QTemporaryDir folder_;
};

} // namespace

TEST_F(WorkerBundleTest, HasTheHashOfItsArchive) {
    const QString archive = write(u"w.tar.gz"_s, "abc");
    const WorkerBundle bundle = readWorkerBundle(archive, {});
    EXPECT_EQ(bundle.archive, archive);
    EXPECT_EQ(bundle.sha256, u"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"_s);
}

TEST_F(WorkerBundleTest, BelievesTheNoteBesideIt) {
    const QString archive = write(u"w.tar.gz"_s, "abc");
    const QString hash(64, u'7');
    const QString note = write(u"w.tar.gz.sha256"_s, hash.toLatin1() + "  w.tar.gz\n");
    const WorkerBundle there{hash, u"https://example.org/w.tar.gz"_s, archive, {}};
    EXPECT_EQ(readWorkerBundle(archive, there.url), there);
    EXPECT_EQ(readWorkerBundle(note, there.url), there);
    write(u"w.json"_s, "{\"backend\": \"cuda\", \"cuda\": \"13.0\"}");
    EXPECT_EQ(readWorkerBundle(note, there.url).cuda, u"13.0"_s) << "older drivers are not rented";
    QFile::remove(archive); // only pods fetch it
    EXPECT_EQ(readWorkerBundle(note, there.url).archive, QString());
    EXPECT_EQ(codeOf([&] { readWorkerBundle(note, {}); }), "remote.bundle");
}

TEST_F(WorkerBundleTest, SaysWhatIsWrong) {
    EXPECT_EQ(codeOf([] { readWorkerBundle({}, {}); }), "remote.bundle");
    EXPECT_EQ(codeOf([] { readWorkerBundle(u"/nowhere/w.tar.gz"_s, {}); }), "remote.bundle");
    const QString note = write(u"w.tar.gz.sha256"_s, "no hash at all");
    EXPECT_EQ(codeOf([&] { readWorkerBundle(note, u"https://example.org/w"_s); }), "remote.bundle");
}

} // namespace caldera::studio
