#include "core/report/report.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/format_version.h"
#include "core/base/write_failure.h"
#include "core/plan/plan_keys.h"
#include "core/report/evaluation_groups.h"
#include "core/report/fidelity_groups.h"
#include "core/report/hdf5_handle.h"

namespace caldera {

namespace {

using hdf5::check;
using hdf5::Handle;

constexpr const char* kReportFormat = "caldera-report";
constexpr int kReportMajor = 1;
// Far above any real model, as of models (core/model/config.cpp).
constexpr int kMostLayers = 1 << 14;
constexpr int64_t kLargestSize = int64_t{1} << 26;
constexpr size_t kMemoryStep = 1U << 20;

/// HDF5 is one call at a time. All handles are closed by us; HDF5's own closing at exit would only
/// complain about what damaged files left in its tables.
std::mutex& hdf5Mutex() {
    static std::mutex mutex;
    static const herr_t withoutExitHandler = H5dont_atexit();
    (void)withoutExitHandler;
    return mutex;
}

/// A history entry as HDF5 stores it.
struct HistoryRow {
    int iteration = 0;
    std::array<char, 8> step{};
    double relativeError = 0;
};

Handle historyType() {
    Handle type(H5Tcreate(H5T_COMPOUND, sizeof(HistoryRow)), H5Tclose, "make the history type");
    const Handle text = hdf5::textType(sizeof(HistoryRow::step));
    check(H5Tinsert(type, "iteration", HOFFSET(HistoryRow, iteration), H5T_NATIVE_INT),
          "make the history type");
    check(H5Tinsert(type, "step", HOFFSET(HistoryRow, step), text), "make the history type");
    check(H5Tinsert(type, "relative_error", HOFFSET(HistoryRow, relativeError), H5T_NATIVE_DOUBLE),
          "make the history type");
    return type;
}

enum class Backing { None, File };

/// Files live in memory while HDF5 works on them; with a backing file they reach it at the end.
Handle memoryAccess(Backing backing) {
    Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "prepare a file");
    check(H5Pset_fapl_core(access, kMemoryStep, backing == Backing::File ? 1 : 0),
          "prepare a file");
    check(H5Pset_file_locking(access, 0, 1), "prepare a file"); // some network disks have no locks
    check(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), "prepare a file");
    // This file format has checksums on its own structures.
    check(H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18), "prepare a file");
    return access;
}

/// The plain numbers of a cell's report: visit(attribute, member).
template <class ReportOfCell, class Visit>
void forEachNumber(ReportOfCell& report, Visit visit) {
    visit("rows", report.shape.rows);
    visit("columns", report.shape.columns);
    visit("relative_error", report.relativeError);
    visit("proxy_error", report.proxyError);
    visit("damping_used", report.dampingUsed);
    visit("seconds", report.seconds);
    visit("bytes", report.bytes);
    visit("bits_per_weight", report.bitsPerWeight);
    visit("tail_energy", report.tailEnergy);
    visit("hessian_tail_energy", report.hessianTailEnergy);
    visit("residual_tail_energy", report.residualTailEnergy);
}

/// The curves of a cell's report: visit(dataset, vector).
template <class ReportOfCell, class Visit>
void forEachCurve(ReportOfCell& report, Visit visit) {
    visit("singular_values", report.singularValues);
    visit("hessian_singular_values", report.hessianSingularValues);
    visit("residual_singular_values", report.residualSingularValues);
    visit("row_error", report.rowError);
    visit("column_error", report.columnError);
    visit("hessian_diagonal", report.hessianDiagonal);
}

class ReportWriter {
public:
    ReportWriter(const Report& report, const std::filesystem::path& path)
        : report_(report), file_(create(path)), history_(historyType()) {}

    void write() {
        hdf5::writeAttribute(file_, "format", formatText(kReportFormat, kReportMajor));
        hdf5::writeAttribute(file_, "layer_count", report_.layerCount);
        const Handle run = hdf5::createGroup(file_, "run");
        for (const auto& [name, text] : report_.run) {
            hdf5::writeAttribute(run, name, text);
        }
        writeLayers();
        writeFidelity(file_, report_);
        writeEvaluations(file_, report_);
        check(H5Fflush(file_, H5F_SCOPE_LOCAL), "put the file on the disk");
        file_.close("put the file on the disk");
    }

private:
    static Handle create(const std::filesystem::path& path) {
        const Handle access = memoryAccess(Backing::File);
        return {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose,
                "create the file"};
    }

    void writeLayers() {
        const Handle layers = hdf5::createGroup(file_, "layers");
        for (auto cell = report_.cells.begin(); cell != report_.cells.end();) {
            const int layer = cell->first.layer;
            const Handle group = hdf5::createGroup(layers, std::to_string(layer));
            for (; cell != report_.cells.end() && cell->first.layer == layer; ++cell) {
                writeCell(group, cell->first.module, cell->second);
            }
        }
    }

    void writeCell(hid_t layer, Module module, const CellReport& report) {
        const Handle group = hdf5::createGroup(layer, std::string(moduleName(module)));
        forEachCellKey(report.settings,
                       [&](const char* key, const auto& value, const auto&... /*rule*/) {
                           hdf5::writeAttribute(group, key, value);
                       });
        forEachNumber(report, [&](const char* name, const auto& value) {
            hdf5::writeAttribute(group, name, value);
        });
        forEachCurve(report, [&](const char* name, const std::vector<float>& values) {
            hdf5::writeDataset(group, name, H5T_NATIVE_FLOAT, {values.size()}, values.data());
        });
        std::vector<HistoryRow> rows;
        for (const HistoryEntry& entry : report.history) {
            HistoryRow& row = rows.emplace_back();
            row.iteration = entry.iteration;
            row.relativeError = entry.relativeError;
            entry.step.copy(row.step.data(), row.step.size());
        }
        hdf5::writeDataset(group, "error_history", history_, {rows.size()}, rows.data());
    }

    const Report& report_;
    Handle file_;
    Handle history_;
};

class ReportReader {
public:
    ReportReader(const MappedFile& map)
        : where_(map.path().string()), limit_(map.bytes().size()), file_(open(map)),
          history_(historyType()) {}

    Report read() {
        checkFormat();
        hdf5::readAttribute(file_, "layer_count", report_.layerCount);
        const bool isModel = report_.layerCount >= 0 && report_.layerCount <= kMostLayers;
        check(isModel ? 0 : -1, "read layer_count");
        const Handle run = group("run");
        for (const std::string& name : hdf5::attributeNames(run)) {
            hdf5::readAttribute(run, name, report_.run[name]);
        }
        const Handle layers = group("layers");
        for (const std::string& name : hdf5::linkNames(layers)) {
            readLayer(layers, name);
        }
        for (const char* part : {"fidelity", "evaluation"}) {
            group(part); // a whole report has one
        }
        readFidelity(file_, limit_, report_);
        readEvaluations(file_, limit_, report_);
        return std::move(report_);
    }

private:
    static Handle open(const MappedFile& map) {
        const Handle access = memoryAccess(Backing::None);
        // HDF5 copies the image; it only wants it writable by type.
        void* image = const_cast<std::byte*>(map.bytes().data());
        check(H5Pset_file_image(access, image, map.bytes().size()), "read the file");
        // HDF5 refuses an image under the name of a file that exists; this one never does.
        return {H5Fopen("/dev/null/image", H5F_ACC_RDONLY, access), H5Fclose, "open it as HDF5"};
    }

    void checkFormat() {
        if (H5Aexists(file_, "format") <= 0) {
            throw Error("report.format",
                        where_ + " is an HDF5 file but not a caldera report: it has no `format` "
                                 "attribute. Write one with `caldera compress` or `caldera "
                                 "fidelity`.",
                        {{"file", where_}});
        }
        std::string text;
        hdf5::readAttribute(file_, "format", text);
        const FormatFit fit = formatFit(text, kReportFormat, kReportMajor);
        const std::string own = formatText(kReportFormat, kReportMajor);
        if (fit == FormatFit::Foreign) {
            throw Error("report.format",
                        where_ + " has format \"" + text + "\"; " + own + " is needed.",
                        {{"file", where_}, {"came", text}});
        }
        if (fit == FormatFit::Newer) {
            throw Error("report.newer",
                        where_ + " has format " + text + ", and this program reads up to " + own +
                            ". Install a newer caldera.",
                        {{"file", where_}, {"came", text}});
        }
    }

    Handle group(const std::string& name) {
        if (!hdf5::hasLink(file_, name)) {
            throw Error("report.missing-group",
                        where_ + " has no group /" + name +
                            ", so it is not a whole report. Compress or measure again.",
                        {{"file", where_}, {"group", name}});
        }
        return hdf5::openGroup(file_, name);
    }

    void readLayer(hid_t layers, const std::string& name) {
        int layer = -1;
        const char* end = name.data() + name.size();
        const bool number = std::from_chars(name.data(), end, layer).ptr == end && layer >= 0;
        check(number && layer < report_.layerCount ? 0 : -1, "read the layer " + name);
        const Handle group = hdf5::openGroup(layers, name);
        for (const std::string& moduleText : hdf5::linkNames(group)) {
            const auto module = parseModule(moduleText);
            check(module ? 0 : -1, "read the module " + moduleText);
            readCell(hdf5::openGroup(group, moduleText), report_.cells[{layer, *module}]);
        }
    }

    void readCell(const Handle& group, CellReport& report) {
        forEachCellKey(report.settings, [&](const char* key, auto& value, const auto&... /*rule*/) {
            hdf5::readAttribute(group, key, value);
        });
        forEachNumber(report, [&](const char* name, auto& value) {
            hdf5::readAttribute(group, name, value);
        });
        requirePossible(report);
        forEachCurve(report, [&](const char* name, std::vector<float>& values) {
            values = hdf5::readDataset<float>(group, name, H5T_NATIVE_FLOAT, limit_);
        });
        for (const HistoryRow& row :
             hdf5::readDataset<HistoryRow>(group, "error_history", history_, limit_)) {
            const auto* end =
                static_cast<const char*>(std::memchr(row.step.data(), '\0', row.step.size()));
            report.history.push_back(
                {row.iteration,
                 {row.step.data(), end != nullptr ? end : row.step.data() + row.step.size()},
                 row.relativeError});
        }
    }

    static void requirePossible(const CellReport& report) {
        const auto isSize = [](int64_t size) { return size >= 0 && size <= kLargestSize; };
        const bool isPossible = isSize(report.shape.rows) && isSize(report.shape.columns) &&
                                isSize(report.settings.rank) && report.bytes >= 0;
        check(isPossible ? 0 : -1, "read a cell, whose sizes cannot be right");
    }

    std::string where_;
    uint64_t limit_; ///< no dataset has more elements than the file has bytes
    Handle file_;
    Handle history_;
    Report report_;
};

/// HDF5 copies the file into memory, holes included.
void requireReportSize(const MappedFile& map) {
    constexpr size_t kLargestReport = size_t{1} << 30; // several times what 126 layers take
    if (map.bytes().size() > kLargestReport) {
        throw Error("report.too-large",
                    map.path().string() + " has " + std::to_string(map.bytes().size()) +
                        " bytes; a report has at most " + std::to_string(kLargestReport) +
                        ". Choose another file.",
                    {{"file", map.path().string()}});
    }
}

[[noreturn]] void throwUnreadable(const MappedFile& map, const std::string& reason) {
    constexpr std::string_view kSignature("\x89HDF\r\n\x1a\n", 8);
    const std::string_view text(reinterpret_cast<const char*>(map.bytes().data()),
                                map.bytes().size());
    const std::string file = map.path().string();
    throw Error("report.corrupt",
                text.starts_with(kSignature)
                    ? file + " is damaged or cut short: it was not possible to " + reason +
                          ". Make it again: resume the job that compresses, or measure once more "
                          "with `caldera fidelity`."
                    : file + " is no report: it does not begin as an HDF5 file does. Give the "
                             "report.h5 of a compressed model, or what `caldera fidelity` or "
                             "`caldera evaluate` wrote.",
                {{"file", file}, {"reason", reason}});
}

} // namespace

void writeReport(const Report& report, const std::filesystem::path& path) {
    AtomicFile file(path);
    {
        const std::scoped_lock guard(hdf5Mutex());
        const hdf5::Silence silence;
        try {
            ReportWriter(report, file.temporary()).write();
        } catch (const hdf5::Failure& failure) {
            if (failure.error != 0) {
                throwWriteFailure(path, failure.error);
            }
            throw Error("report.write",
                        "Cannot write the report " + path.string() + ": HDF5 failed to " +
                            failure.what + ".",
                        {{"file", path.string()}, {"reason", failure.what}});
        }
    }
    file.commit();
}

Report readReport(const std::filesystem::path& path) {
    std::error_code trouble; // opening says it better
    if (!std::filesystem::exists(path, trouble) && !trouble) {
        throw Error("report.missing",
                    "There is no report " + path.string() +
                        ". Compress or measure the model first.",
                    {{"file", path.string()}});
    }
    const MappedFile map(path);
    requireReportSize(map);
    const std::scoped_lock guard(hdf5Mutex());
    const hdf5::Silence silence;
    try {
        return ReportReader(map).read();
    } catch (const hdf5::Failure& failure) {
        throwUnreadable(map, failure.what);
    }
}

} // namespace caldera
