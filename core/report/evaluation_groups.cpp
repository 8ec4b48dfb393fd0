#include "core/report/evaluation_groups.h"

#include <string>
#include <vector>

#include "core/report/hdf5_handle.h"

namespace caldera {

namespace {

using hdf5::Handle;

constexpr const char* kEvaluation = "evaluation";

/// Files from before there were numbers of layers have none.
void readLayers(hid_t entry, uint64_t limit, EvaluationRecord& record) {
    if (!hdf5::hasLink(entry, "layers")) {
        return;
    }
    const Handle layers = hdf5::openGroup(entry, "layers");
    for (const std::string& name : hdf5::linkNames(layers)) {
        record.layers[name] = hdf5::readDataset<double>(layers, name, H5T_NATIVE_DOUBLE, limit);
    }
}

} // namespace

void writeEvaluations(hid_t file, const Report& report) {
    const Handle group = hdf5::createGroup(file, kEvaluation);
    for (const EvaluationRecord& record : report.evaluations) {
        hdf5::requireLinkName(record.name);
        const Handle entry = hdf5::createGroup(group, record.name);
        const Handle numbers = hdf5::createGroup(entry, "numbers");
        for (const auto& [name, value] : record.numbers) {
            hdf5::writeAttribute(numbers, name, value);
        }
        const Handle facts = hdf5::createGroup(entry, "facts");
        for (const auto& [name, text] : record.facts) {
            hdf5::writeAttribute(facts, name, text);
        }
        const Handle layers = hdf5::createGroup(entry, "layers");
        for (const auto& [name, values] : record.layers) {
            hdf5::requireLinkName(name);
            hdf5::writeDataset(layers, name, H5T_NATIVE_DOUBLE, {values.size()}, values.data());
        }
    }
}

void readEvaluations(hid_t file, uint64_t limit, Report& report) {
    const Handle records = hdf5::openGroup(file, kEvaluation);
    for (const std::string& name : hdf5::linkNames(records)) {
        EvaluationRecord& record = report.evaluations.emplace_back();
        record.name = name;
        const Handle entry = hdf5::openGroup(records, name);
        const Handle numbers = hdf5::openGroup(entry, "numbers");
        for (const std::string& number : hdf5::attributeNames(numbers)) {
            hdf5::readAttribute(numbers, number, record.numbers[number]);
        }
        const Handle facts = hdf5::openGroup(entry, "facts");
        for (const std::string& fact : hdf5::attributeNames(facts)) {
            hdf5::readAttribute(facts, fact, record.facts[fact]);
        }
        readLayers(entry, limit, record);
    }
}

} // namespace caldera
