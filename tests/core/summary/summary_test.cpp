#include "core/summary/summary.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/file.h"
#include "core/model/byte_level.h"
#include "core/report/kept_reports.h"
#include "core/summary/chart.h"
#include "core/summary/letters.h"
#include "core/summary/shell_lines.h"
#include "tests/support/complaint.h"
#include "tests/support/scratch_folder.h"

namespace caldera {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kHash = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

Summary sampleSummary(int layers = 6) {
    Summary summary;
    ArtifactFacts facts;
    facts.name = "Tiny <& Co> \"2\"";
    facts.hash = kHash;
    facts.fingerprint = "feedface";
    facts.bitsPerWeight = 2.31;
    facts.fileBytes = 5 << 20;
    summary.artifact = facts;
    summary.report.layerCount = layers;
    summary.report.run = {{"command", "caldera compress tiny --out tiny-2bit"}, {"device", "cpu"}};
    for (int layer = 0; layer < layers; ++layer) {
        for (const Module module : kModules) {
            CellReport cell;
            cell.relativeError = 0.1 + 0.01 * layer + 0.001 * static_cast<int>(module);
            cell.seconds = 1;
            summary.report.cells[{layer, module}] = cell;
        }
    }
    EvaluationRecord record{"heldout",
                            {{"perplexity", 8.125}, {"kl_mean", 0.0417}, {"tokens", 12345}},
                            {{"command", "caldera evaluate tiny-2bit --reference tiny"}}};
    record.layers["hidden_error"] = std::vector<double>(static_cast<size_t>(layers), 0.25);
    summary.report.evaluations = {record};
    summary.command = "caldera export tiny-2bit --report tiny.pdf";
    return summary;
}

bool isInside(const Drawing& page, Point point) {
    return point.x >= 0 && point.x <= page.width && point.y >= 0 && point.y <= page.height;
}

/// Whether everything lies on the page, and no coordinate is a NaN.
bool fits(const Drawing& page) {
    for (const Shape& shape : page.shapes) {
        if (const auto* box = std::get_if<FilledBox>(&shape)) {
            if (!isInside(page, box->corner) || !(box->width >= 0 && box->height >= 0)) {
                return false;
            }
        } else if (const auto* line = std::get_if<Line>(&shape)) {
            for (const Point& point : line->points) {
                if (!isInside(page, point)) {
                    return false;
                }
            }
        } else if (!isInside(page, std::get<Words>(shape).base)) {
            return false;
        }
    }
    return true;
}

TEST(Summary, TellsPlanNumbersHashesAndCommands) {
    const Drawing page = summaryPage(sampleSummary());
    EXPECT_TRUE(fits(page));
    const std::string html = toHtml(page, "t");
    for (const char* text :
         {"2.31 bits per weight", kHash, "feedface", "trellis-v4k8m4", "heldout", "8.125", "0.0417",
          "12345", "model.layers.5.mlp.down_proj", "0.1560", "caldera compress tiny",
          "caldera evaluate tiny-2bit", "caldera export tiny-2bit", "Worst cells"}) {
        EXPECT_THAT(html, HasSubstr(text));
    }
    EXPECT_THAT(html, HasSubstr("Tiny &lt;&amp; Co&gt; &quot;2&quot;"));
    EXPECT_THAT(html, Not(HasSubstr("<& Co>")));
    EXPECT_THAT(html, Not(HasSubstr("<script")));
}

TEST(Summary, AnEightyLayerModelAndAnEmptyReportFitThePage) {
    EXPECT_TRUE(fits(summaryPage(sampleSummary(80))));
    EXPECT_TRUE(fits(summaryPage(sampleSummary(1))));
    const Drawing empty = summaryPage(Summary{});
    EXPECT_TRUE(fits(empty));
    EXPECT_THAT(toHtml(empty, "t"), HasSubstr("No cell was measured."));
    EXPECT_THAT(toHtml(empty, "t"), HasSubstr("None yet."));
}

TEST(Summary, AllSpreadsAreHalvesOfThe95PercentInterval) {
    Summary summary = sampleSummary();
    EvaluationRecord& record = summary.report.evaluations[0];
    record.numbers.insert({{"perplexity_error", 0.1},
                           {"perplexity_low", 7.825},
                           {"perplexity_high", 8.425},
                           {"kl_mean_low", 0.0317},
                           {"kl_mean_high", 0.0517}});
    const std::string html = toHtml(summaryPage(summary), "t");
    EXPECT_THAT(html, HasSubstr("8.125 +-0.30<"));
    EXPECT_THAT(html, HasSubstr("0.0417 +-0.010<"));
    EXPECT_THAT(html, HasSubstr("+- is half of the 95 % interval."));
    record.numbers.erase("perplexity_low"); // as earlier versions wrote it
    EXPECT_THAT(toHtml(summaryPage(summary), "t"), HasSubstr("8.125 +-0.20<")) << "1.96 of them";
}

TEST(Summary, SaysThatEarlierEvaluationsAreLeftOut) {
    Summary summary = sampleSummary();
    EXPECT_THAT(toHtml(summaryPage(summary), "t"), Not(HasSubstr("The last")));
    summary.report.evaluations.resize(6, summary.report.evaluations[0]);
    const Drawing page = summaryPage(summary);
    EXPECT_TRUE(fits(page));
    EXPECT_THAT(toHtml(page, "t"), HasSubstr("The last 4 of 6;"));
    summary.report.evaluations[0].name = "oldest";
    summary.report.evaluations[0].facts["command"] = "caldera evaluate oldest";
    EXPECT_THAT(toHtml(summaryPage(summary), "t"), Not(HasSubstr("oldest")))
        << "neither in the chart nor among the commands";
}

TEST(Summary, OddFileNamesMakeAPageThatIsStillUtf8) {
    Summary summary = sampleSummary();
    summary.artifact->name = "tiny \xff\x01\n";
    summary.report.evaluations[0].name = "bad \xc3( bytes \xe6\xa8";
    summary.command = "caldera export 'tiny \xff' --report a\xfe.html";
    const std::string html = toHtml(summaryPage(summary), titleOf(summary));
    EXPECT_FALSE(firstNotUtf8(html).has_value());
    EXPECT_EQ(html.find('\x01'), std::string::npos);
}

TEST(Summary, ADamagedFileOfEvaluationsIsToldAndTheRestIsShown) {
    const test::ScratchFolder state;
    ::setenv("XDG_STATE_HOME", state.path().c_str(), 1); // NOLINT(concurrency-mt-unsafe)
    Summary summary = sampleSummary();
    const auto kept = keptEvaluations(kHash);
    std::filesystem::create_directories(kept.parent_path());
    writeFileAtomically(kept, "no HDF5");
    addKeptEvaluations(summary);
    ASSERT_EQ(summary.problems.size(), 1U);
    const Drawing page = summaryPage(summary);
    EXPECT_TRUE(fits(page));
    EXPECT_THAT(toHtml(page, "t"), HasSubstr("are left out"));
    EXPECT_THAT(toHtml(page, "t"), HasSubstr("8.125"));
    ::unsetenv("XDG_STATE_HOME"); // NOLINT(concurrency-mt-unsafe)
}

/// What the shell makes of lines that go on.
std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        text += line.ends_with('\\') ? line.substr(0, line.size() - 1) : line;
    }
    return text;
}

TEST(ShellLines, AreTheSameCommand) {
    const std::string command = "caldera evaluate 'a folder/with spaces' --text " +
                                std::string(60, 'x') + " --context 512 modèle";
    const auto lines = shellLines(command, 24);
    EXPECT_GT(lines.size(), 4U);
    EXPECT_EQ(joined(lines), command);
    for (const std::string& line : lines) {
        EXPECT_LE(line.size(), 24U) << line;
    }
    EXPECT_EQ(shellLines("short", 24), std::vector<std::string>{"short"});
    EXPECT_TRUE(shellLines("run '" + std::string(60, 'q') + "'", 24).empty());
}

TEST(Summary, CommandsCanBePasted) {
    Summary summary = sampleSummary();
    std::string command = "caldera evaluate";
    for (int i = 0; i < 12; ++i) {
        command +=
            " --task /home/somebody/questions/of-some-length-" + std::to_string(i) + ".jsonl";
    }
    summary.report.run["command"] = command;
    std::string text;
    for (const Shape& shape : summaryPage(summary).shapes) {
        if (const auto* words = std::get_if<Words>(&shape)) {
            text += words->text.ends_with('\\') ? words->text.substr(0, words->text.size() - 1)
                                                : words->text;
        }
    }
    EXPECT_THAT(text, HasSubstr(command));
}

TEST(Summary, SurvivesWhatForeignReportsMayHold) {
    Summary summary = sampleSummary();
    summary.report.cells[{0, Module::QProj}].relativeError = std::nan("");
    summary.report.cells[{1, Module::QProj}].relativeError = HUGE_VAL;
    summary.report.cells[{99, Module::QProj}].relativeError = 1e300;
    summary.report.run["model"] = std::string(100000, 'm');
    summary.report.run["command"] = "caldera compress " + std::string(100000, 'x');
    summary.report.evaluations[0].name = "bad \xff\xfe bytes";
    summary.report.evaluations.resize(40, summary.report.evaluations[0]);
    summary.artifact.reset();
    const Drawing page = summaryPage(summary);
    EXPECT_TRUE(fits(page));
    EXPECT_LT(toHtml(page, "t").size(), 200000U);
    EXPECT_THAT(toPdf(page, "t"), StartsWith("%PDF-1.4"));
}

TEST(Pdf, ItsTableOfObjectsIsRight) {
    const std::string pdf = toPdf(summaryPage(sampleSummary()), "Title (1) \\");
    const size_t start = pdf.rfind("startxref\n") + 10;
    const size_t table = std::strtoul(pdf.c_str() + start, nullptr, 10);
    ASSERT_EQ(pdf.substr(table, 7), "xref\n0 ");
    size_t entry = pdf.find('\n', table + 5) + 1 + 20; // the first is the free one
    for (int object = 1; object <= 8; ++object, entry += 20) {
        const size_t offset = std::strtoul(pdf.c_str() + entry, nullptr, 10);
        const std::string head = std::to_string(object) + " 0 obj\n";
        EXPECT_EQ(pdf.substr(offset, head.size()), head);
    }
    const size_t length = pdf.find("/Length ") + 8;
    const size_t stream = pdf.find("stream\n") + 7;
    EXPECT_EQ(stream + std::strtoul(pdf.c_str() + length, nullptr, 10), pdf.find("endstream"));
    EXPECT_THAT(pdf, HasSubstr("/Title (Title \\(1\\) \\\\)"));
}

TEST(Pdf, LettersBecomeWindows1252) {
    Drawing page;
    page.shapes.emplace_back(Words{{0, 10}, 9, Font::Plain, kInk, "modèle – 模型\n"});
    EXPECT_THAT(toPdf(page, "t"), HasSubstr("(mod\xE8le \x96 ?? ) Tj"));
}

TEST(Letters, AreCodePoints) {
    EXPECT_EQ(lettersOf("aé模😀"), U"aé模😀");
    EXPECT_EQ(lettersOf("\xff"), U"\uFFFD");
    EXPECT_EQ(lettersOf("\xe6\xa8"), U"\uFFFD");
    EXPECT_TRUE(lettersOf("").empty());
}

TEST(Chart, FiguresAreShort) {
    EXPECT_EQ(figure(0), "0");
    EXPECT_EQ(figure(0.09131), "0.0913");
    EXPECT_EQ(figure(12.44), "12.4");
    EXPECT_EQ(figure(1234.4), "1234");
    EXPECT_EQ(figure(0.00001234), "1.23e-05");
    EXPECT_EQ(figure(-2.5, 2), "-2.5");
    EXPECT_EQ(figure(2), "2");
    EXPECT_EQ(figure(12345678, 2), "12345678");
}

class SummaryFiles : public ::testing::Test {
protected:
    test::ScratchFolder folder_;
};

TEST_F(SummaryFiles, AReportAloneBecomesAPage) {
    writeReport(sampleSummary().report, folder_ / "run.h5");
    const Summary summary = readSummary(folder_ / "run.h5");
    EXPECT_FALSE(summary.artifact);
    writeSummary(summary, folder_ / "page.html");
    EXPECT_THAT(readTextFile(folder_ / "page.html"), HasSubstr("0.1560"));
    writeSummary(summary, folder_ / "page.pdf");
    EXPECT_THAT(readTextFile(folder_ / "page.pdf"), StartsWith("%PDF"));
}

TEST_F(SummaryFiles, OtherEndingsAndMissingReportsAreRefused) {
    EXPECT_EQ(complaintOf([&] { writeSummary(sampleSummary(), folder_ / "page.doc"); }).code,
              "summary.suffix");
    EXPECT_EQ(complaintOf([&] { readSummary(folder_ / "none.h5"); }).code, "report.missing");
}

} // namespace
} // namespace caldera
