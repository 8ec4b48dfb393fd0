#include "core/plan/plan.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/glob.h"
#include "core/plan/plan_diff.h"
#include "tests/core/plan/plan_samples.h"
#include "tests/support/complaint.h"
#include "tests/support/scratch_folder.h"

namespace caldera {
namespace {

using ::testing::HasSubstr;

Plan parse(const std::string& yaml) {
    return parsePlan(yaml, "p.yaml");
}

/// A caldera section with one line in it, at line 3 of the file.
std::string withSetting(const std::string& line) {
    return "format: caldera-plan/1\ncaldera:\n  " + line + "\n";
}

void expectComplaint(const std::string& yaml, const std::string& code, const std::string& part) {
    const Complaint c = complaintOf([&] { parse(yaml); });
    EXPECT_EQ(c.code, code) << yaml.substr(0, 200);
    EXPECT_THAT(c.sentence, HasSubstr(part)) << yaml.substr(0, 200);
}

TEST(PlanFile, RoundTripsByteForByte) {
    for (const Plan& plan : {Plan{}, richPlan(), defaultPlan("Qwen/Qwen2-0.5B", smallConfig())}) {
        const std::string text = printPlan(plan);
        const Plan again = parse(text);
        EXPECT_EQ(again, plan) << text;
        EXPECT_EQ(printPlan(again), text);
        EXPECT_FALSE(again.foreign);
        EXPECT_FALSE(again.hasComments);
    }
}

TEST(PlanFile, KeepsHardTexts) {
    for (const std::string& model :
         {std::string(""), std::string("true"), std::string("1e3"), std::string("null"),
          std::string("a: b # c"), std::string("\"quoted\" \\ 'and' \t tab\nnew line"),
          std::string("modèle/模型 🙂"), std::string("[x]"), std::string("*"),
          std::string("- -"), std::string("\x01\x1f")}) {
        Plan plan;
        plan.model = model;
        EXPECT_EQ(parse(printPlan(plan)).model, model);
    }
}

TEST(PlanFile, RefusesToSaveWhatIsNotUtf8) {
    Plan plan;
    plan.model = "a\xff";
    EXPECT_EQ(complaintOf([&] { printPlan(plan); }).code, "plan.encoding");
}

TEST(PlanFile, RefusesToReadWhatIsNotUtf8) {
    const test::ScratchFolder folder;
    const auto path = folder / "latin1.yaml";
    writeFileAtomically(path, "format: caldera-plan/1\nmodel: m\xfc\n");
    const Complaint latin = complaintOf([&] { loadPlan(path); });
    EXPECT_EQ(latin.code, "text.not-utf8") << "another path would be read than was written";
    EXPECT_NE(latin.sentence.find("line 2"), std::string::npos) << latin.sentence;
}

TEST(PlanFile, SavesAndLoads) {
    const test::ScratchFolder folder;
    const auto path = folder / "saved.yaml";
    savePlan(richPlan(), path);
    EXPECT_EQ(loadPlan(path), richPlan());
    EXPECT_EQ(readTextFile(path), printPlan(richPlan()));
}

TEST(PlanFile, MissingKeysHaveDefaults) {
    EXPECT_EQ(parse("format: caldera-plan/1\n"), Plan{});
    EXPECT_EQ(parse("format: caldera-plan/1\ncaldera:\n"), Plan{});
    EXPECT_EQ(parse(withSetting("rank: 32")).defaults.rank, 32);
}

TEST(PlanFile, SeesComments) {
    EXPECT_TRUE(parse("# mine\nformat: caldera-plan/1\n").hasComments);
    EXPECT_TRUE(parse("format: caldera-plan/1 # mine\n").hasComments);
    EXPECT_FALSE(parse("format: caldera-plan/1\nmodel: a#b\n").hasComments);
    EXPECT_FALSE(parse("format: caldera-plan/1\nmodel: \"a # \\\" # b\"\n").hasComments);
    EXPECT_FALSE(parse("format: caldera-plan/1\nmodel: 'a # b'\n").hasComments);
}

TEST(PlanFile, NamesUnknownKeysAndTheNearestKnownOne) {
    expectComplaint("format: caldera-plan/1\nmodle: x\n", "plan.unknown-key",
                    "p.yaml, line 2: unknown key `modle` in the plan. Did you mean `model`?");
    expectComplaint(withSetting("rnk: 3"), "plan.unknown-key", "line 3");
    expectComplaint(withSetting("rnk: 3"), "plan.unknown-key", "Did you mean `rank`?");
    expectComplaint(withSetting("zzzzzzzz: 3"), "plan.unknown-key", "Known keys: bq, bl");
    expectComplaint(withSetting("layer_overrides: {a: {rank: 16, bt: 2}}"), "plan.unknown-key",
                    "`bt` in `a`");
    expectComplaint("format: caldera-plan/1\nembeddings: {bit: 8}\n", "plan.unknown-key",
                    "Did you mean `bits`?");
}

TEST(PlanFile, RefusesDuplicateKeys) {
    expectComplaint("format: caldera-plan/1\nmodel: a\nmodel: b\n", "plan.duplicate-key",
                    "line 3: `model` stands twice in the plan");
    expectComplaint(withSetting("rank: 16\n  bq: 2\n  rank: 32"), "plan.duplicate-key", "line 5");
    expectComplaint(withSetting("pattern_overrides: {\"*\": {}, '*': {}}"), "plan.duplicate-key",
                    "`*`");
    expectComplaint(withSetting("layer_overrides: {a: {rank: 16, rank: 32}}"), "plan.duplicate-key",
                    "`rank` stands twice in `a`");
}

TEST(PlanFile, NamesWrongTypes) {
    expectComplaint(withSetting("rank: many"), "plan.type",
                    "line 3: `rank` is \"many\"; a whole number is needed.");
    expectComplaint(withSetting("rank: 16.5"), "plan.type", "a whole number");
    expectComplaint(withSetting("rank: \"16\""), "plan.type", "a whole number");
    expectComplaint(withSetting("rank: !foo 16"), "plan.type",
                    "`rank` is \"16\" with the tag !foo; a whole number");
    expectComplaint(withSetting("locked: \"true\""), "plan.type", "true or false");
    expectComplaint(withSetting("locked: !foo true"), "plan.type", "true or false");
    expectComplaint(withSetting("rank: [16]"), "plan.type", "`rank` is a list");
    expectComplaint(withSetting("rank:"), "plan.type", "`rank` is nothing");
    expectComplaint(withSetting("bq: two"), "plan.type", "a number is needed");
    expectComplaint(withSetting("codec: {a: b}"), "plan.type", "`codec` is a map; a text");
    expectComplaint(withSetting("codec: E8P!"), "plan.type", "small letters");
    expectComplaint(withSetting("locked: yes"), "plan.type", "true or false");
    expectComplaint(withSetting("update_order: QLR"), "plan.type", "\"LR,Q\" or \"Q,LR\"");
    expectComplaint(withSetting("skip_layers: all"), "plan.type", "a list of names or patterns");
    expectComplaint(withSetting("skip_layers: [[a]]"), "plan.type", "a text");
    expectComplaint(withSetting("layer_overrides: [a]"), "plan.type",
                    "line 3: `layer_overrides` is a list; a map of keys");
    expectComplaint(withSetting("layer_overrides: {[a]: {}}"), "plan.type",
                    "line 3: a key in `layer_overrides` is a list; a name is needed");
    expectComplaint("format: caldera-plan/1\ncaldera: 7\n", "plan.type",
                    "line 2: `caldera` is \"7\"; a map of keys");
    expectComplaint("format: caldera-plan/1\nlm_head: {bits: 12}\n", "plan.type", "4, 8 or 16");
}

TEST(PlanFile, NamesValuesOutOfRange) {
    expectComplaint(withSetting("rank: -1"), "plan.range", "between 0 and 65536");
    expectComplaint(withSetting("bq: -1"), "plan.range",
                    "`bq` is -1; it must lie between 0 and 16");
    expectComplaint(withSetting("bq: 1e999"), "plan.range", "between 0 and 16");
    expectComplaint(withSetting("bq: nan"), "plan.range", "between 0 and 16");
    expectComplaint(withSetting("bq: .nan"), "plan.type", "a number is needed");
    expectComplaint(withSetting("rank: 99999999999999999999999999"), "plan.range", "65536");
    expectComplaint(withSetting("seed: -1"), "plan.type", "a whole number");
    expectComplaint(withSetting("damping: 0"), "plan.range", "damping");
    expectComplaint("format: caldera-plan/1\ncalibration: {tokens: 0}\n", "plan.range", "tokens");
}

TEST(PlanFile, NamesFormats) {
    expectComplaint("format: caldera-plan/2\nfuture: 1\n", "plan.newer", "Install a newer caldera");
    expectComplaint("format: caldera-report/1\n", "plan.type", "`caldera-plan/1` is needed");
    expectComplaint("format: caldera-plan/1.5\n", "plan.type", "`caldera-plan/1` is needed");
    expectComplaint("format: [a]\n", "plan.type", "`caldera-plan/1` is needed");
    expectComplaint("", "plan.format", "caldera plan new");
    expectComplaint("just words", "plan.format", "not a plan");
    expectComplaint("a: 1\n", "plan.format", "neither");
}

TEST(PlanFile, RefusesMoreEntriesThanAnyModelNeeds) {
    for (const std::string key : {"layer_overrides", "pattern_overrides", "skip_layers"}) {
        std::string yaml = "format: caldera-plan/1\ncaldera:\n  " + key + ":\n";
        for (int i = 0; i <= 4096; ++i) {
            const std::string name = "model.layers." + std::to_string(i) + ".x";
            yaml += key == "skip_layers" ? "    - " + name + "\n" : "    " + name + ": {}\n";
        }
        expectComplaint(yaml, "plan.range",
                        "`" + key + "` has 4097 entries; a plan has at most 4096");
        yaml.resize(yaml.rfind("    "));
        EXPECT_NO_THROW(parsePlan(yaml, "p.yaml")) << key;
    }
}

TEST(PlanFile, SurvivesHostileYaml) {
    expectComplaint("format: caldera-plan/1\nmodel: [open\n", "plan.yaml", "p.yaml, line");
    expectComplaint("format: caldera-plan/1\n\tmodel: x\n", "plan.yaml", "not valid YAML");
    expectComplaint("a: *nothing\n", "plan.yaml", "not valid YAML");
    expectComplaint("a: \"\\\1\"", "plan.yaml", "character: ?).");
    expectComplaint(std::string("format: caldera-plan/1\nmodel: a\0b\n", 34), "plan.yaml",
                    "line 2: a NUL byte");
    expectComplaint("format: caldera-plan/1\nmodel: \"a\\0b\"\n", "plan.type",
                    "line 2: `model` has a NUL byte");
    expectComplaint("format: caldera-plan/1\n---\nformat: caldera-plan/1\n", "plan.yaml",
                    "several YAML documents");
    expectComplaint("format: caldera-plan/1\nmodel: " + std::string(100000, '[') + "\n",
                    "plan.yaml", "too deep in one another");
    expectComplaint("format: caldera-plan/1\nmodel: " + std::string(100000, '{') + "\n",
                    "plan.yaml", "too deep in one another");
    std::string nested = "format: caldera-plan/1\n";
    for (int depth = 0; depth < 3000; ++depth) {
        nested += std::string(static_cast<size_t>(depth), ' ') + "a:\n";
    }
    expectComplaint(nested, "plan.yaml", "too deep in one another");
    std::string laughs = "format: caldera-plan/1\nmodel: &a0 [x, x]\n";
    laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
    for (int i = 1; i < 40; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
        for (int copy = 0; copy < 9; ++copy) {
            laughs += ", " + before;
        }
        laughs += "]\n";
    }
    expectComplaint("format: caldera-plan/1\n" + laughs, "plan.unknown-key", "a0");
    expectComplaint("caldera: {rank: 16}\ncalibration: *x\n" + laughs, "plan.yaml", "");
    EXPECT_EQ(parse(laughs + "caldera: {rank: 16}\n").defaults.rank, 16); // foreign: ignored keys
}

TEST(PlanSettings, ExactBeatsPatternAndLaterBeatsEarlier) {
    Plan plan;
    plan.patternOverrides = {{"*.q_proj", rankOverride(16)},
                             {"model.layers.1.*", rankOverride(32)}};
    plan.layerOverrides = {{"model.layers.1.self_attn.q_proj", rankOverride(48)}};
    EXPECT_EQ(plan.settingsOf({0, Module::QProj}).rank, 16);
    EXPECT_EQ(plan.settingsOf({0, Module::KProj}).rank, 64);
    EXPECT_EQ(plan.settingsOf({1, Module::KProj}).rank, 32);
    EXPECT_EQ(plan.settingsOf({1, Module::QProj}).rank, 48);
    plan.layerOverrides.clear();
    EXPECT_EQ(plan.settingsOf({1, Module::QProj}).rank, 32);
}

TEST(PlanSettings, SkippedLayersCanBeTakenBack) {
    Plan plan;
    plan.skipLayers = {"model.layers.7[0-9].*"};
    CellOverride keep;
    keep.skip = false;
    plan.layerOverrides = {{"model.layers.70.mlp.up_proj", keep}};
    EXPECT_TRUE(plan.settingsOf({70, Module::GateProj}).skip);
    EXPECT_FALSE(plan.settingsOf({70, Module::UpProj}).skip);
    EXPECT_FALSE(plan.settingsOf({7, Module::UpProj}).skip);
}

TEST(Glob, MatchesLikeAShell) {
    EXPECT_TRUE(matchesGlob("*", ""));
    EXPECT_TRUE(matchesGlob("a*c", "abbbc"));
    EXPECT_TRUE(matchesGlob("a?c", "abc"));
    EXPECT_FALSE(matchesGlob("a?c", "ac"));
    EXPECT_TRUE(matchesGlob("[a-c]x", "bx"));
    EXPECT_FALSE(matchesGlob("[!a-c]x", "bx"));
    EXPECT_TRUE(matchesGlob("[!a-c]x", "dx"));
    EXPECT_TRUE(matchesGlob("[x", "[x"));
    EXPECT_TRUE(matchesGlob("[]]", "]"));
    EXPECT_FALSE(matchesGlob("", "a"));
    EXPECT_TRUE(matchesGlob("model.layers.3.*", "model.layers.3.mlp.up_proj"));
    EXPECT_FALSE(matchesGlob("model.layers.3.*", "model.layers.33.mlp.up_proj"));
}

TEST(Glob, StaysQuickOnHostilePatterns) {
    std::string pattern;
    for (int i = 0; i < 2000; ++i) {
        pattern += "*a";
    }
    EXPECT_FALSE(matchesGlob(pattern + "*b", std::string(4000, 'a')));
}

TEST(PlanDiff, NamesEveryDifference) {
    Plan a = richPlan();
    EXPECT_TRUE(diffPlans(a, a).empty());
    Plan b = a;
    b.defaults.rank = 128;
    b.layerOverrides.pop_back();
    EXPECT_THAT(
        diffPlans(a, b),
        testing::ElementsAre(PlanDifference{"caldera.rank", "64", "128"},
                             PlanDifference{"caldera.layer_overrides.model.layers.1.mlp.down_proj",
                                            "{skip: true}", ""}));
    b = a;
    std::swap(b.patternOverrides[0], b.patternOverrides[1]);
    ASSERT_EQ(diffPlans(a, b).size(), 1U);
    EXPECT_THAT(diffPlans(a, b)[0].key, HasSubstr("order"));
}

} // namespace
} // namespace caldera
