// The words of the heatmap and of every file: module, layer, cell, input group.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace caldera {

/// One linear of a decoder block, in heatmap order.
enum class Module : uint8_t { QProj, KProj, VProj, OProj, GateProj, UpProj, DownProj };

/// Modules that share an input, hence a Hessian, input signs and a transform.
enum class InputGroup : uint8_t { Qkv, O, GateUp, Down };

inline constexpr std::array<Module, 7> kModules = {
    Module::QProj,    Module::KProj,  Module::VProj,   Module::OProj,
    Module::GateProj, Module::UpProj, Module::DownProj};
inline constexpr std::array<InputGroup, 4> kInputGroups = {InputGroup::Qkv, InputGroup::O,
                                                           InputGroup::GateUp, InputGroup::Down};

/// Rows (outputs) by columns (inputs) of a weight.
struct MatrixShape {
    int64_t rows = 0;
    int64_t columns = 0;
    int64_t size() const { return rows * columns; }
    auto operator<=>(const MatrixShape&) const = default;
};

/// Rows of one scale group and of one code group, for every codec.
inline constexpr int64_t kRowGroup = 16;

/// Rounds up to a multiple.
constexpr int64_t padTo(int64_t size, int64_t multiple) {
    return (size + multiple - 1) / multiple * multiple;
}

/// Module x layer: the unit of the heatmap and of the plan.
struct Cell {
    int layer = 0;
    Module module = Module::QProj;
    auto operator<=>(const Cell&) const = default;
};

std::string_view moduleName(Module module);               ///< "q_proj"
std::optional<Module> parseModule(std::string_view name); ///< inverse of moduleName
std::string_view inputGroupName(InputGroup group);        ///< "qkv", "o", "gate_up", "down"
InputGroup inputGroupOf(Module module);

/// "model.layers.3.self_attn.q_proj": the name in plans, artifacts and Hugging Face files
/// (there followed by ".weight" or ".bias").
std::string cellName(Cell cell);
std::optional<Cell> parseCellName(std::string_view name);
/// "model.layers.3.qkv": prefix of what an input group shares (".in_sign").
std::string inputGroupPrefix(int layer, InputGroup group);

} // namespace caldera
