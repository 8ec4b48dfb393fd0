#include "core/model/module.h"

#include <charconv>

namespace caldera {

namespace {

constexpr std::array<std::string_view, 7> kModuleNames = {
    "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};
constexpr std::array<std::string_view, 4> kGroupNames = {"qkv", "o", "gate_up", "down"};
constexpr std::string_view kLayerPrefix = "model.layers.";

std::string_view parentOf(Module module) {
    return module <= Module::OProj ? "self_attn" : "mlp";
}

} // namespace

std::string_view moduleName(Module module) {
    return kModuleNames[static_cast<size_t>(module)];
}

std::optional<Module> parseModule(std::string_view name) {
    for (const Module module : kModules) {
        if (moduleName(module) == name) {
            return module;
        }
    }
    return std::nullopt;
}

std::string_view inputGroupName(InputGroup group) {
    return kGroupNames[static_cast<size_t>(group)];
}

InputGroup inputGroupOf(Module module) {
    switch (module) {
    case Module::QProj:
    case Module::KProj:
    case Module::VProj:
        return InputGroup::Qkv;
    case Module::OProj:
        return InputGroup::O;
    case Module::GateProj:
    case Module::UpProj:
        return InputGroup::GateUp;
    case Module::DownProj:
        break;
    }
    return InputGroup::Down;
}

std::string cellName(Cell cell) {
    std::string name(kLayerPrefix);
    name += std::to_string(cell.layer);
    name += '.';
    name += parentOf(cell.module);
    name += '.';
    name += moduleName(cell.module);
    return name;
}

std::optional<Cell> parseCellName(std::string_view name) {
    if (!name.starts_with(kLayerPrefix)) {
        return std::nullopt;
    }
    const std::string_view rest = name.substr(kLayerPrefix.size());
    int layer = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), layer);
    const size_t lastDot = name.rfind('.');
    const auto module = parseModule(name.substr(lastDot + 1));
    if (parsed.ec != std::errc() || layer < 0 || !module) {
        return std::nullopt;
    }
    const Cell cell{layer, *module};
    return cellName(cell) == name ? std::optional(cell) : std::nullopt;
}

std::string inputGroupPrefix(int layer, InputGroup group) {
    return std::string(kLayerPrefix) + std::to_string(layer) + '.' +
           std::string(inputGroupName(group));
}

} // namespace caldera
