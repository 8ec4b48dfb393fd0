#include "widgets/remote/secret_file.h"

#include <QFile>
#include <QTemporaryDir>

#include <gtest/gtest.h>

#include "core/base/error.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

QString valueOf(const QByteArray& line) {
    return parseEnvFile(line, u"a.env"_s).value(u"KEY"_s, u"(none)"_s);
}

std::string complaint(const QByteArray& text) {
    try {
        parseEnvFile(text, u"a.env"_s);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "secret.file");
        return error.what();
    }
    return {};
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
    const auto all = parseEnvFile("\xEF\xBB\xBFRUNPOD_API_KEY=rpa_1\r\n# note\r\n\r\n"
                                  "export HF_TOKEN='hf_2'\rLAST=3",
                                  u"a.env"_s);
    EXPECT_EQ(all.size(), 3);
    EXPECT_EQ(all[u"RUNPOD_API_KEY"_s], u"rpa_1"_s);
    EXPECT_EQ(all[u"HF_TOKEN"_s], u"hf_2"_s);
    EXPECT_EQ(all[u"LAST"_s], u"3"_s);
}

TEST(EnvFile, TheLastOfTwoCounts) {
    EXPECT_EQ(valueOf("KEY=old\nKEY=new"), u"new"_s);
}

TEST(EnvFile, NamesTheLineAndNeverTheValue) {
    const std::string unclosed = complaint("A=1\nKEY=\"secret-value");
    EXPECT_NE(unclosed.find("a.env, line 2"), std::string::npos) << unclosed;
    EXPECT_EQ(unclosed.find("secret-value"), std::string::npos) << unclosed;
    const std::string bare = complaint("secret-value");
    EXPECT_NE(bare.find("line 1"), std::string::npos) << bare;
    EXPECT_EQ(bare.find("secret-value"), std::string::npos) << bare;
    EXPECT_FALSE(complaint("KEY='a' b").empty());
    EXPECT_FALSE(complaint("1KEY=a").empty());
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
