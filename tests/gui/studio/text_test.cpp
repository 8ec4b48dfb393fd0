#include <QDirIterator>
#include <QFile>
#include <QRegularExpression>

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "app/studio/translations.h"
#include "core/base/text.h"
#include "widgets/chat/message_widget.h"
#include "widgets/heatmap/paint_bar.h"
#include "widgets/plan_view/plan_view.h"
#include "widgets/runs/jobs_model.h"
#include "widgets/support/columns.h"
#include "widgets/support/command_palette.h"
#include "widgets/support/failure.h"
#include "widgets/support/number_text.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

TEST(NumberText, GroupsThousandsByThinSpaces) {
    EXPECT_EQ(countText(7), u"7"_s);
    EXPECT_EQ(countText(2048), u"2\u2009048"_s);
    EXPECT_EQ(countText(151936), u"151\u2009936"_s);
    EXPECT_EQ(countText(-1234567), u"\u22121\u2009234\u2009567"_s);
}

TEST(NumberText, KeepsThreeFiguresOfSizes) {
    EXPECT_EQ(sizeText(999), u"999 bytes"_s);
    EXPECT_EQ(sizeText(1000), u"1.00 kB"_s);
    EXPECT_EQ(sizeText(4'923'000), u"4.92 MB"_s);
    EXPECT_EQ(sizeText(19'930'000'000), u"19.9 GB"_s);
    EXPECT_EQ(sizeText(999'900), u"1.00 MB"_s);
    EXPECT_EQ(memoryText(int64_t{24} << 30), u"24.0 GiB"_s);
}

TEST(NumberText, GivesSizesAsTheCommandLineDoes) {
    for (const uint64_t bytes :
         {uint64_t{0}, uint64_t{1}, uint64_t{1000}, uint64_t{1024}, uint64_t{99'960},
          uint64_t{1} << 20, uint64_t{44} << 30, uint64_t{3} << 50}) {
        const auto size = static_cast<int64_t>(bytes);
        EXPECT_EQ(sizeText(size).toStdString(), byteText(bytes));
        EXPECT_EQ(memoryText(size).toStdString(), caldera::memoryText(bytes));
    }
}

TEST(NumberText, WritesEverydayFiguresWithoutExponent) {
    EXPECT_EQ(figureText(0.0912662), u"0.0913"_s);
    EXPECT_EQ(figureText(2.1934), u"2.19"_s);
    EXPECT_EQ(figureText(34.93, 4), u"34.93"_s);
    EXPECT_EQ(figureText(0), u"0"_s);
    EXPECT_EQ(figureText(std::numeric_limits<double>::quiet_NaN()), u"\u2013"_s);
}

TEST(NumberText, SaysNothingAboutAnUnknownTime) {
    EXPECT_EQ(spanText(-1), QString());
    EXPECT_EQ(spanText(4.24), u"4.2 s"_s);
    EXPECT_EQ(spanText(200), u"3 min 20 s"_s);
    EXPECT_EQ(spanText(3900), u"1 h 05 min"_s);
}

TEST(FuzzyFilter, FindsLettersInOrderAndPrefersWordBeginnings) {
    EXPECT_LT(fuzzyScore(u"xyz"_s, u"Open the demo model"_s), 0);
    EXPECT_GE(fuzzyScore(u"odm"_s, u"Open the demo model"_s), 0);
    EXPECT_GT(fuzzyScore(u"demo"_s, u"Open the demo model"_s),
              fuzzyScore(u"demo"_s, u"Open a directory even more often"_s));
    EXPECT_GT(fuzzyScore(u"cp"_s, u"Cell panel"_s), fuzzyScore(u"cp"_s, u"Scroll up"_s));
}

TEST(Failure, CarriesTheSentenceAndTheCodeOfAnError) {
    const Failure failure = describeFailure(Error("gguf.truncated", "The file ends too early."));
    EXPECT_EQ(failure.sentence, u"The file ends too early."_s);
    EXPECT_EQ(failure.code, u"gguf.truncated"_s);
}

TEST(Columns, TakeTheMostThatFit) {
    EXPECT_EQ(fittingColumns({50, 100, 50}, 10, 220), 3);
    EXPECT_EQ(fittingColumns({50, 100, 50}, 10, 219), 2);
    EXPECT_EQ(fittingColumns({50, 100, 50}, 10, 20), 1);
    EXPECT_EQ(fittingColumns({}, 10, 100), 1);
}

TEST(Translations, EnglishHasItsPlurals) {
    installTranslations(*QCoreApplication::instance());
    EXPECT_EQ(MessageWidget::tr("%n token(s)", nullptr, 1), u"1 token"_s);
    EXPECT_EQ(MessageWidget::tr("%n token(s)", nullptr, 2), u"2 tokens"_s);
    EXPECT_EQ(JobsModel::tr("%n cell(s) finished", nullptr, 2), u"2 cells finished"_s);
    EXPECT_EQ(PaintBar::tr("%n cell(s) selected", nullptr, 1), u"1 cell selected"_s);
    EXPECT_TRUE(
        PlanView::tr("%n locked cell(s) left alone. Select and press L to unlock.", nullptr, 3)
            .startsWith(u"3 locked cells"_s));
}

QString readText(const QString& path) {
    QFile file(path);
    EXPECT_TRUE(file.open(QIODevice::ReadOnly)) << path.toStdString();
    return QString::fromUtf8(file.readAll());
}

/// Texts of a source file that are counted: literals of tr() with %n in them, their parts joined.
QStringList countedTexts(const QString& source) {
    static const QRegularExpression call(uR"re(\btr\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+))re"_s);
    static const QRegularExpression part(uR"re("((?:[^"\\]|\\.)*)")re"_s);
    QStringList texts;
    for (const auto& found : call.globalMatch(source)) {
        QString text;
        for (const auto& piece : part.globalMatch(found.captured(1)))
            text += piece.captured(1);
        if (text.contains(u"%n"_s))
            texts.append(text);
    }
    return texts;
}

TEST(Translations, EveryCountHasItsEnglishPlural) {
    const QString sources = QStringLiteral(CALDERA_SOURCE_DIR);
    const QString english =
        readText(sources + u"/resources/translations/caldera_en.ts"_s).replace(u"&apos;"_s, u"'"_s);
    int counted = 0;
    for (const QString& folder : {u"/widgets"_s, u"/app/studio"_s}) {
        QDirIterator files(sources + folder, {u"*.cpp"_s}, QDir::Files,
                           QDirIterator::Subdirectories);
        while (files.hasNext()) {
            const QString path = files.next();
            for (const QString& text : countedTexts(readText(path))) {
                ++counted;
                EXPECT_TRUE(english.contains(u"<source>"_s + text.toHtmlEscaped() + u"</source>"_s))
                    << path.toStdString() << ": " << text.toStdString();
            }
        }
    }
    EXPECT_GT(counted, 15) << "the texts are found";
}

} // namespace
} // namespace caldera::studio
