// The YAML of a plan's file, before it means anything.
#pragma once

#include <string>
#include <string_view>

#include <yaml-cpp/yaml.h>

namespace caldera {

/// The one document of the text; null of an empty one. Throws Error("plan.yaml"), which begins with
/// `where`.
YAML::Node loadYaml(const std::string& yaml, const std::string& where);

/// Whether a '#' starts a comment somewhere (yaml-cpp drops them without a word).
bool containsComment(std::string_view text);

} // namespace caldera
