#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include <yaml-cpp/yaml.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/format_version.h"
#include "core/base/text.h"
#include "core/model/text_file.h"
#include "core/plan/foreign_plan.h"
#include "core/plan/plan.h"
#include "core/plan/plan_keys.h"
#include "core/plan/plan_yaml.h"

namespace caldera {

namespace {

constexpr size_t kMaxPlanBytes = 16U << 20;
constexpr size_t kMostEntries = 4096; ///< of one list or map of cells and patterns
constexpr size_t kQuotedLength = 60;  ///< of foreign text inside a message

/// Neither quoted nor with a tag, which may say that it is something else.
bool isPlain(const YAML::Node& node) {
    return node.IsScalar() && (node.Tag().empty() || node.Tag() == "?");
}

std::string shortened(const std::string& text) {
    return text.size() <= kQuotedLength ? text : text.substr(0, kQuotedLength) + "...";
}

/// One pass over the document; every complaint names file and line.
class PlanReader {
public:
    explicit PlanReader(std::string where) : where_(std::move(where)) {}

    Plan read(const YAML::Node& root) {
        checkFormat(root);
        std::vector<Handler> handlers = {
            {"format", [](const YAML::Node&) {}},
            {"model", [&](const YAML::Node& n) { read(n, "model", plan_.model, AnyText{}); }},
            {"calibration", [&](const YAML::Node& n) { readCalibration(n); }},
            {"caldera", [&](const YAML::Node& n) { readSettings(n); }},
            {"embeddings",
             [&](const YAML::Node& n) { readTable(n, "embeddings", plan_.embeddingBits); }},
            {"lm_head", [&](const YAML::Node& n) { readTable(n, "lm_head", plan_.headBits); }}};
        if (plan_.foreign) {
            handlers.emplace_back("model_id", [&](const YAML::Node& n) {
                read(n, "model_id", plan_.model, AnyText{});
            });
        }
        readMap(root, "the plan", handlers);
        return plan_.foreign ? adoptPlan(std::move(foreign_)) : std::move(plan_);
    }

private:
    struct AnyText {};
    using Handler = std::pair<std::string, std::function<void(const YAML::Node&)>>;

    [[noreturn]] void fail(const char* code, const YAML::Mark& mark, const std::string& sentence,
                           ErrorArgs args = {}) const {
        const std::string line = std::to_string(mark.line + 1);
        args.insert(args.begin(), {{"file", where_}, {"line", line}});
        throw Error(code, where_ + ", line " + line + ": " + sentence, args);
    }

    [[noreturn]] void failType(const YAML::Node& node, const std::string& key,
                               const std::string& needed) const {
        failTypeOf("`" + key + "`", node, key, needed);
    }

    /// thing: as it stands in the sentence.
    [[noreturn]] void failTypeOf(const std::string& thing, const YAML::Node& node,
                                 const std::string& key, const std::string& needed) const {
        const bool isTagged = node.IsScalar() && node.Tag() != "!" && !isPlain(node);
        const std::string tag = isTagged ? " with the tag " + shortened(node.Tag()) : "";
        const std::string came = node.IsScalar()     ? "\"" + shortened(node.Scalar()) + "\"" + tag
                                 : node.IsMap()      ? "a map"
                                 : node.IsSequence() ? "a list"
                                                     : "nothing";
        fail("plan.type", node.Mark(), thing + " is " + came + "; " + needed + " is needed.",
             {{"key", key}, {"came", came}, {"needed", needed}});
    }

    void checkFormat(const YAML::Node& root) {
        if (!root.IsMap()) {
            throw Error("plan.format",
                        where_ + " is not a plan: it should begin with `format: caldera-plan/1`. "
                                 "Write one with `caldera plan new MODEL --out P`.",
                        {{"file", where_}});
        }
        const YAML::Node format = root["format"];
        if (!format) {
            if (!root["caldera"]) {
                throw Error("plan.format",
                            where_ + " is not a plan: it has neither `format: caldera-plan/1` nor "
                                     "a `caldera:` section. Write one with `caldera plan new MODEL "
                                     "--out P`.",
                            {{"file", where_}});
            }
            plan_.foreign = true;
            return;
        }
        const std::string text = format.IsScalar() ? format.Scalar() : "";
        const FormatFit fit = formatFit(text, kPlanFormat, kPlanMajor);
        const std::string own = formatText(kPlanFormat, kPlanMajor);
        if (fit == FormatFit::Foreign) {
            failType(format, "format", "`" + own + "`");
        }
        if (fit == FormatFit::Newer) {
            fail("plan.newer", format.Mark(),
                 "this plan has format " + text + ", and this program reads up to " + own +
                     ". Install a newer caldera.",
                 {{"came", text}});
        }
    }

    void readMap(const YAML::Node& node, const std::string& section,
                 const std::vector<Handler>& handlers) {
        readEntries(
            node, section,
            [&](const std::string& key, const YAML::Node& keyNode, const YAML::Node& value) {
                for (const Handler& handler : handlers) {
                    if (handler.first == key) {
                        handler.second(value);
                        return;
                    }
                }
                if (plan_.foreign) {
                    plan_.ignoredKeys.push_back(key);
                    return;
                }
                std::vector<std::string> known;
                known.reserve(handlers.size());
                for (const Handler& handler : handlers) {
                    known.push_back(handler.first);
                }
                failUnknown(keyNode, key, section, known);
            });
    }

    [[noreturn]] void failUnknown(const YAML::Node& keyNode, const std::string& key,
                                  const std::string& section,
                                  const std::vector<std::string>& known) const {
        const std::string nearest = nearestWord(key, known);
        std::string sentence = "unknown key `" + shortened(key) + "` in " + section + ".";
        if (!nearest.empty()) {
            sentence += " Did you mean `" + nearest + "`?";
        } else {
            sentence += " Known keys:";
            for (const std::string& word : known) {
                sentence += (word == known.front() ? " " : ", ") + word;
            }
            sentence += ".";
        }
        fail("plan.unknown-key", keyNode.Mark(), sentence, {{"key", key}, {"nearest", nearest}});
    }

    /// Keys must be texts and must differ (yaml-cpp keeps duplicates).
    void readEntries(
        const YAML::Node& node, const std::string& section,
        const std::function<void(const std::string&, const YAML::Node&, const YAML::Node&)>& take) {
        if (node.IsNull()) {
            return;
        }
        if (!node.IsMap()) {
            failTypeOf(section, node, section, "a map of keys and values");
        }
        std::set<std::string> seen;
        for (const auto& entry : node) {
            if (!entry.first.IsScalar()) {
                failTypeOf("a key in " + section, entry.first, "key in " + section, "a name");
            }
            const std::string key = entry.first.Scalar();
            if (!seen.insert(key).second) {
                fail("plan.duplicate-key", entry.first.Mark(),
                     "`" + shortened(key) + "` stands twice in " + section +
                         ". Keep one of the two.",
                     {{"key", key}});
            }
            take(key, entry.first, entry.second);
        }
    }

    void read(const YAML::Node& node, const std::string& key, std::string& out, AnyText /*rule*/) {
        if (!node.IsScalar()) {
            failType(node, key, "a text");
        }
        if (node.Scalar().find('\0') != std::string::npos) {
            fail("plan.type", node.Mark(), "`" + key + "` has a NUL byte; a text has none.",
                 {{"key", key}});
        }
        out = node.Scalar();
    }

    void read(const YAML::Node& node, const std::string& key, std::string& out,
              const Choices& choices) {
        read(node, key, out, AnyText{});
        if (choices.empty()) {
            const bool word =
                !out.empty() && out.find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                                      "0123456789-") == std::string::npos;
            if (!word) {
                failType(node, key, "a name in small letters, digits and dashes");
            }
        } else if (std::find(choices.begin(), choices.end(), out) == choices.end()) {
            std::string needed = "\"" + choices.front() + "\"";
            for (size_t i = 1; i < choices.size(); ++i) {
                needed += " or \"" + choices[i] + "\"";
            }
            failType(node, key, needed);
        }
    }

    template <class Number>
    void read(const YAML::Node& node, const std::string& key, Number& out, Range range) {
        constexpr bool whole = std::is_integral_v<Number>;
        const std::string text = isPlain(node) ? node.Scalar() : "";
        const char* end = text.data() + text.size();
        Number value{};
        const auto parsed = std::from_chars(text.data(), end, value);
        const bool tooLarge = parsed.ec == std::errc::result_out_of_range && parsed.ptr == end;
        if (text.empty() || parsed.ptr != end || (parsed.ec != std::errc() && !tooLarge)) {
            failType(node, key, whole ? "a whole number" : "a number");
        }
        if (tooLarge || !(static_cast<double>(value) >= range.low) ||
            !(static_cast<double>(value) <= range.high)) {
            const std::string needed =
                "between " + numberText(range.low) + " and " + numberText(range.high);
            fail("plan.range", node.Mark(),
                 "`" + key + "` is " + shortened(text) + "; it must lie " + needed + ".",
                 {{"key", key}, {"came", text}, {"needed", needed}});
        }
        out = value;
    }

    void read(const YAML::Node& node, const std::string& key, uint64_t& out) {
        read(node, key, out, Range{0, static_cast<double>(std::numeric_limits<uint64_t>::max())});
    }

    void read(const YAML::Node& node, const std::string& key, bool& out) {
        const std::string text = isPlain(node) ? node.Scalar() : "";
        if (text != "true" && text != "false") {
            failType(node, key, "true or false");
        }
        out = text == "true";
    }

    void readCalibration(const YAML::Node& node) {
        CalibrationSettings& c = plan_.calibration;
        std::vector<Handler> handlers = {
            {"text", [&](const YAML::Node& n) { read(n, "text", c.text, AnyText{}); }},
            {"tokens",
             [&](const YAML::Node& n) {
                 read(n, "tokens", c.tokens, Range{1, static_cast<double>(kMostTokens)});
             }},
            {"sequence_length",
             [&](const YAML::Node& n) {
                 read(n, "sequence_length", c.sequenceLength, Range{2, 1 << 20});
             }},
            {"seed", [&](const YAML::Node& n) { read(n, "seed", c.seed); }}};
        if (plan_.foreign) {
            handlers.emplace_back("samples", [&](const YAML::Node& n) {
                read(n, "samples", foreign_.samples.emplace(), Range{1, 1e9});
            });
        }
        readMap(node, "`calibration`", handlers);
    }

    std::vector<Handler> cellHandlers(CellOverride& override) {
        std::vector<Handler> handlers;
        forEachCellKey(override, [&](const char* key, auto& member, const auto&... rule) {
            handlers.emplace_back(key, [this, key, &member, rule...](const YAML::Node& n) {
                member.emplace();
                read(n, key, *member, rule...);
            });
        });
        return handlers;
    }

    void readSettings(const YAML::Node& node) {
        CellOverride given;
        std::vector<Handler> handlers = cellHandlers(given);
        handlers.emplace_back("skip_layers", [&](const YAML::Node& n) {
            readNames(n, "skip_layers", plan_.skipLayers);
        });
        handlers.emplace_back("layer_overrides", [&](const YAML::Node& n) {
            readOverrides(n, "layer_overrides", plan_.layerOverrides);
        });
        handlers.emplace_back("pattern_overrides", [&](const YAML::Node& n) {
            readOverrides(n, "pattern_overrides", plan_.patternOverrides);
        });
        if (plan_.foreign) {
            handlers.emplace_back("target_modules", [&](const YAML::Node& n) {
                readNames(n, "target_modules", foreign_.targetModules.emplace());
            });
        }
        readMap(node, "`caldera`", handlers);
        foreign_.namesRightBits = given.rightBits.has_value();
        given.applyTo(plan_.defaults);
    }

    /// Every name is compared with every cell, and patterns with names.
    void requireFew(const YAML::Node& node, const std::string& key) const {
        if (node.size() > kMostEntries) {
            const std::string came = std::to_string(node.size());
            const std::string most = std::to_string(kMostEntries);
            fail("plan.range", node.Mark(),
                 "`" + key + "` has " + came + " entries; a plan has at most " + most +
                     " (a model of 80 layers has 560 cells). Say what cells share in "
                     "`pattern_overrides`.",
                 {{"key", key}, {"came", came}, {"needed", most}});
        }
    }

    void readNames(const YAML::Node& node, const std::string& key, std::vector<std::string>& out) {
        if (!node.IsNull() && !node.IsSequence()) {
            failType(node, key, "a list of names or patterns");
        }
        requireFew(node, key);
        for (const YAML::Node& item : node) {
            read(item, key, out.emplace_back(), AnyText{});
        }
    }

    void readOverrides(const YAML::Node& node, const std::string& section,
                       std::vector<std::pair<std::string, CellOverride>>& out) {
        requireFew(node, section);
        readEntries(node, "`" + section + "`",
                    [&](const std::string& name, const YAML::Node&, const YAML::Node& value) {
                        CellOverride override;
                        readMap(value, "`" + shortened(name) + "`", cellHandlers(override));
                        out.emplace_back(name, std::move(override));
                    });
    }

    void readTable(const YAML::Node& node, const std::string& section, int& bits) {
        readMap(node, "`" + section + "`", {{"bits", [&](const YAML::Node& n) {
                                                 read(n, "bits", bits, Range{4, 16});
                                                 if (bits != 4 && bits != 8 && bits != 16) {
                                                     failType(n, "bits", "4, 8 or 16");
                                                 }
                                             }}});
    }

    std::string where_;
    ForeignPlan foreign_; ///< what else a foreign file says; `plan` is of every file
    Plan& plan_ = foreign_.plan;
};

} // namespace

Plan parsePlan(const std::string& yaml, const std::string& where) {
    Plan plan = PlanReader(where).read(loadYaml(yaml, where));
    plan.hasComments = containsComment(yaml);
    return plan;
}

Plan loadPlan(const std::filesystem::path& path) {
    const std::string text = readTextFile(path, kMaxPlanBytes);
    requireUtf8(text, path);
    return parsePlan(text, path.string());
}

} // namespace caldera
