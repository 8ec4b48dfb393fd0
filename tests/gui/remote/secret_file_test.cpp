#include "widgets/remote/secret_file.h"

#include <QFile>
#include <QTemporaryDir>

#include <gtest/gtest.h>

#include "core/base/error.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

QString valueOf(const QByteArray& line) {
    return parseEnvFile(line).variables.value(u"KEY"_s, u"(none)"_s);
}

} // namespace

TEST(EnvFile, ReadsWhatPeopleWrite) {
    EXPECT_EQ(valueOf("KEY=plain-1"), u"plain-1"_s);
    EXPECT_EQ(valueOf("  export   KEY =  spaced  "), u"spaced"_s);
    EXPECT_EQ(valueOf("KEY=a#b # a comment"), u"a#b"_s);
    EXPECT_EQ(valueOf("KEY=\"with # inside\" # outside"), u"with # inside"_s);
    EXPECT_EQ(valueOf("KEY='$HOME \\n stays'"), u"$HOME \\n stays"_s);
    EXPECT_EQ(valueOf(R"(KEY="a\"b\\c\$d\n")"), u"a\"b\\c$d\n"_s);
    EXPECT_EQ(valueOf("KEY="), u""_s);
    EXPECT_EQ(valueOf("KEY=a=b=="), u"a=b=="_s);
}

TEST(EnvFile, TakesEveryLineEndAndAByteOrderMark) {
    const auto [all, skipped] = parseEnvFile("\xEF\xBB\xBFRUNPOD_API_KEY=rpa_1\r\n# note\r\n\r\n"
                                             "export HF_TOKEN='hf_2'\rLAST=3");
    EXPECT_TRUE(skipped.isEmpty());
    EXPECT_EQ(all.size(), 3);
    EXPECT_EQ(all[u"RUNPOD_API_KEY"_s], u"rpa_1"_s);
    EXPECT_EQ(all[u"HF_TOKEN"_s], u"hf_2"_s);
    EXPECT_EQ(all[u"LAST"_s], u"3"_s);
}

TEST(EnvFile, TheLastOfTwoCounts) {
    EXPECT_EQ(valueOf("KEY=old\nKEY=new"), u"new"_s);
}

TEST(EnvFile, TakesWhatItUnderstandsAndNamesTheOtherLinesNeverTheirValues) {
    const EnvFile file = parseEnvFile("A=1\nKEY=\"secret-value\nsecret-value\nB='a' secret-value\n"
                                      "1C=secret-value\n: secret-value\nRUNPOD_API_KEY=rpa_1\n");
    EXPECT_EQ(file.variables.size(), 2);
    EXPECT_EQ(file.variables[u"RUNPOD_API_KEY"_s], u"rpa_1"_s);
    EXPECT_EQ(file.skipped,
              (QStringList{u"line 2 (a quote is not closed, or text follows it)"_s,
                           u"line 3 (no NAME=value)"_s,
                           u"line 4 (a quote is not closed, or text follows it)"_s,
                           u"line 5 (no NAME=value)"_s, u"line 6 (no NAME=value)"_s}));
    EXPECT_FALSE(skippedSentence(file).contains(u"secret"_s));
    EXPECT_EQ(skippedSentence({}), u""_s);
    const QString many = skippedSentence(parseEnvFile(QByteArray("odd\n").repeated(1000)));
    EXPECT_TRUE(many.endsWith(u"line 6 (no NAME=value), and 994 more."_s)) << many.toStdString();
}

TEST(EnvFile, RefusesAFileThatIsNone) {
    const QTemporaryDir folder;
    const QString path = folder.filePath(u"big.env"_s);
    QFile file(path);
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    file.write(QByteArray((1 << 20) + 1, 'a'));
    file.close();
    EXPECT_THROW(readEnvFile(path), Error);
    EXPECT_THROW(readEnvFile(folder.filePath(u"none.env"_s)), Error);
}

} // namespace caldera::studio
