#include "core/export/sky_task.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "core/base/file.h"
#include "tests/support/code_of.h"

namespace caldera {

namespace {

SkyTask task() {
    SkyTask task;
    task.name = "caldera-72b";
    task.accelerators = {"H100:1", "A100-80GB:1"};
    task.infra = "runpod";
    task.maxHourlyCost = 3.5;
    task.workerUrl = "https://example.org/caldera-worker.tar.gz";
    task.workerHash = std::string(64, '0');
    task.installScript = readTextFile(std::filesystem::path(CALDERA_SOURCE_DIR) /
                                      "resources/worker/install_worker.sh");
    task.arguments = {"compress", "Qwen/Qwen2-72B-Instruct", "--plan", "my plan.yaml", "--out",
                      "it's here"};
    task.files = {"my plan.yaml"};
    return task;
}

std::string codeOf(const std::function<void(SkyTask&)>& change) {
    SkyTask changed = task();
    change(changed);
    return test::codeOf([&] { skyTaskYaml(changed); });
}

} // namespace

TEST(SkyTask, ReadsBackAsWhatSkyPilotTakes) {
    const YAML::Node yaml = YAML::Load(skyTaskYaml(task()));
    EXPECT_EQ(yaml["name"].as<std::string>(), "caldera-72b");
    const YAML::Node resources = yaml["resources"];
    EXPECT_EQ(resources["infra"].as<std::string>(), "runpod");
    EXPECT_EQ(resources["accelerators"]["H100"].as<int>(), 1);
    EXPECT_EQ(resources["accelerators"]["A100-80GB"].as<int>(), 1);
    EXPECT_EQ(resources["disk_size"].as<int>(), 256);
    EXPECT_DOUBLE_EQ(resources["max_hourly_cost"].as<double>(), 3.5);
    EXPECT_EQ(resources["autostop"]["idle_minutes"].as<int>(), 10);
    EXPECT_EQ(yaml["envs"]["CALDERA_WORKER_SHA256"].as<std::string>(), std::string(64, '0'));
    EXPECT_FALSE(yaml["secrets"]);
    EXPECT_TRUE(yaml["file_mounts"]["/tmp/caldera-files/my plan.yaml"].as<std::string>().ends_with(
        "/my plan.yaml"));
    // No key that the schema of SkyPilot's tasks does not know.
    const std::set<std::string> known{"name",        "resources", "envs", "secrets",
                                      "file_mounts", "setup",     "run"};
    for (const auto& entry : yaml) {
        EXPECT_TRUE(known.contains(entry.first.as<std::string>()));
    }
}

TEST(SkyTask, ItsCommandsAreWholeShell) {
    const YAML::Node yaml = YAML::Load(skyTaskYaml(task()));
    EXPECT_NE(yaml["setup"].as<std::string>().find(task().installScript), std::string::npos);
    EXPECT_NE(yaml["run"].as<std::string>().find(
                  "'compress' 'Qwen/Qwen2-72B-Instruct' '--plan' '/tmp/caldera-files/my plan.yaml' "
                  "'--out' 'it'\\''s here' --job ~/caldera-jobs/caldera-72b"),
              std::string::npos)
        << yaml["run"];
    for (const char* part : {"setup", "run"}) {
        const std::filesystem::path file =
            std::filesystem::temp_directory_path() / ("caldera-sky-" + std::string(part) + ".sh");
        writeFileAtomically(file, yaml[part].as<std::string>());
        EXPECT_EQ(std::system(("sh -n " + file.string()).c_str()), 0) << part;
        std::filesystem::remove(file);
    }
}

TEST(SkyTask, OneGpuIsOneWordAndNoneIsNone) {
    SkyTask one = task();
    one.accelerators = {"L4:1"};
    EXPECT_EQ(YAML::Load(skyTaskYaml(one))["resources"]["accelerators"].as<std::string>(), "L4:1");
    one.accelerators.clear();
    EXPECT_FALSE(YAML::Load(skyTaskYaml(one))["resources"]["accelerators"]);
}

TEST(SkyTask, ATokenIsNamedAndNeverWritten) {
    ::setenv("HF_TOKEN", "hf_secret_of_the_test", 1);
    SkyTask gated = task();
    gated.needsHubToken = true;
    const std::string text = skyTaskYaml(gated);
    EXPECT_TRUE(YAML::Load(text)["secrets"]["HF_TOKEN"].IsNull());
    EXPECT_EQ(text.find("hf_secret"), std::string::npos);
    EXPECT_NE(text.find("--secret HF_TOKEN"), std::string::npos);
    ::unsetenv("HF_TOKEN");
}

TEST(SkyTask, RefusesWhatSkyPilotWould) {
    EXPECT_EQ(codeOf([](SkyTask& t) { t.name = "7b model"; }), "sky.task");
    EXPECT_EQ(codeOf([](SkyTask& t) { t.accelerators = {"H100:0"}; }), "sky.task");
    EXPECT_EQ(codeOf([](SkyTask& t) { t.workerUrl = "worker.tar.gz"; }), "sky.task");
    EXPECT_EQ(codeOf([](SkyTask& t) { t.workerHash = "abc"; }), "sky.task");
    EXPECT_EQ(codeOf([](SkyTask& t) { t.arguments.clear(); }), "sky.task");
    EXPECT_EQ(codeOf([](SkyTask& t) { t.diskGb = 0; }), "sky.task");
    EXPECT_EQ(codeOf([](SkyTask& t) { t.files = {"a/t.txt", "b/t.txt"}; }), "sky.task");
    EXPECT_EQ(codeOf([](SkyTask&) {}), "");
}

} // namespace caldera
