#include "core/model/module.h"

#include <gtest/gtest.h>

using namespace caldera;

TEST(Module, CellNamesReadBack) {
    for (const Module module : kModules) {
        const Cell cell{47, module};
        EXPECT_EQ(parseCellName(cellName(cell)), cell);
    }
    EXPECT_EQ(cellName({3, Module::QProj}), "model.layers.3.self_attn.q_proj");
    EXPECT_EQ(cellName({0, Module::DownProj}), "model.layers.0.mlp.down_proj");
}

TEST(Module, NamesThatAreNoCellsAreRefused) {
    for (const char* name :
         {"", "q_proj", "model.layers.-1.self_attn.q_proj", "model.layers.1.mlp.q_proj",
          "model.layers.1.self_attn.q_proj.weight", "model.layers.01.self_attn.q_proj"}) {
        EXPECT_FALSE(parseCellName(name).has_value()) << name;
    }
}

TEST(Module, GroupsShareAnInput) {
    EXPECT_EQ(inputGroupOf(Module::KProj), InputGroup::Qkv);
    EXPECT_EQ(inputGroupOf(Module::UpProj), InputGroup::GateUp);
    EXPECT_EQ(inputGroupPrefix(3, InputGroup::GateUp), "model.layers.3.gate_up");
}
