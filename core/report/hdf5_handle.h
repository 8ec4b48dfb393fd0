// The HDF5 C API with handles that close themselves and failures that throw. For this folder; the
// caller holds the process-wide lock.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hdf5.h>

#include "core/base/error.h"

namespace caldera::hdf5 {

/// The errno in what HDF5 remembers of its last failure; 0: the system was not asked.
inline int systemError() {
    int error = 0;
    const auto look = [](unsigned, const H5E_error2_t* entry, void* found) -> herr_t {
        constexpr std::string_view kMark = "errno = ";
        const std::string_view text = entry->desc == nullptr ? "" : entry->desc;
        const size_t at = text.find(kMark);
        if (at != std::string_view::npos) {
            *static_cast<int*>(found) = std::atoi(entry->desc + at + kMark.size());
        }
        return 0;
    };
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, look, &error);
    return error;
}

/// What could not be done; becomes an Error with the file's name at the border of this folder.
struct Failure {
    std::string what;
    int error = systemError(); ///< before closing anything makes HDF5 forget it
};

class Handle {
public:
    using Close = herr_t (*)(hid_t);

    /// Throws Failure(what) for a negative id.
    Handle(hid_t id, Close closer, const std::string& what) : id_(id), close_(closer) {
        if (id < 0) {
            throw Failure{what};
        }
    }
    ~Handle() {
        if (id_ >= 0) {
            close_(id_);
        }
    }
    Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    /// Closes now; throws Failure(what) when that fails, as it does on a full disk.
    void close(const std::string& what) {
        if (close_(std::exchange(id_, -1)) < 0) {
            throw Failure{what};
        }
    }

    operator hid_t() const {
        return id_;
    } // NOLINT(google-explicit-constructor): a handle is its id

private:
    hid_t id_;
    Close close_;
};

inline void check(herr_t status, const std::string& what) {
    if (status < 0) {
        throw Failure{what};
    }
}

/// Turns off HDF5's printing to stderr while it lives.
class Silence {
public:
    Silence() {
        H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
        H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    }
    ~Silence() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

private:
    H5E_auto2_t function_ = nullptr;
    void* data_ = nullptr;
};

inline Handle createGroup(hid_t parent, const std::string& name) {
    return {H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose,
            "create group " + name};
}

/// Throws Error("report.link") unless what the name leads to lies in this file, at this place: a
/// report from elsewhere must not make the reader open other files.
inline void requireOwn(hid_t parent, const std::string& name) {
    H5L_info_t info{};
    check(H5Lget_info(parent, name.c_str(), &info, H5P_DEFAULT), "find " + name);
    if (info.type != H5L_TYPE_HARD) {
        throw Error("report.link",
                    "In the report " + name +
                        " is a link to another place or file, which is not followed: a report "
                        "holds its own data. Make it again, and do not trust the one who wrote it.",
                    {{"name", name}});
    }
}

inline Handle openGroup(hid_t parent, const std::string& name) {
    requireOwn(parent, name);
    return {H5Gopen2(parent, name.c_str(), H5P_DEFAULT), H5Gclose, "open group " + name};
}

inline bool hasLink(hid_t parent, const std::string& name) {
    return H5Lexists(parent, name.c_str(), H5P_DEFAULT) > 0;
}

/// Names become links, so a slash would make a group. Throws Error("report.name").
inline void requireLinkName(const std::string& name) {
    if (name.empty() || name == "." || name.find('/') != std::string::npos) {
        throw Error("report.name",
                    "\"" + name +
                        "\" cannot name a metric or an evaluation in a report. Use "
                        "letters, digits and dashes.",
                    {{"name", name}});
    }
}

/// Names of the links in a group, sorted.
inline std::vector<std::string> linkNames(hid_t group) {
    H5G_info_t info{};
    check(H5Gget_info(group, &info), "list a group");
    std::vector<std::string> names;
    for (hsize_t i = 0; i < info.nlinks; ++i) {
        const auto read = [&](char* out, size_t size) {
            return H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, out, size,
                                      H5P_DEFAULT);
        };
        const ssize_t length = read(nullptr, 0);
        check(length < 0 ? -1 : 0, "list a group");
        std::string name(static_cast<size_t>(length) + 1, '\0');
        read(name.data(), name.size());
        name.pop_back();
        names.push_back(std::move(name));
    }
    return names;
}

inline std::vector<std::string> attributeNames(hid_t object) {
    std::vector<std::string> names;
    const auto take = [](hid_t, const char* name, const H5A_info_t*, void* data) -> herr_t {
        static_cast<std::vector<std::string>*>(data)->emplace_back(name);
        return 0;
    };
    hsize_t position = 0;
    check(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &position, take, &names),
          "list attributes");
    return names;
}

/// A fixed-length UTF-8 text type; HDF5 has none of length 0.
inline Handle textType(size_t length) {
    Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "make a text type");
    check(H5Tset_size(type, length > 0 ? length : 1), "make a text type");
    check(H5Tset_cset(type, H5T_CSET_UTF8), "make a text type");
    check(H5Tset_strpad(type, H5T_STR_NULLPAD), "make a text type");
    return type;
}

inline hid_t nativeType(double) {
    return H5T_NATIVE_DOUBLE;
}
inline hid_t nativeType(float) {
    return H5T_NATIVE_FLOAT;
}
inline hid_t nativeType(int) {
    return H5T_NATIVE_INT;
}
inline hid_t nativeType(int64_t) {
    return H5T_NATIVE_INT64;
}
inline hid_t nativeType(uint64_t) {
    return H5T_NATIVE_UINT64;
}

inline void writeAttribute(hid_t object, const std::string& name, hid_t type, const void* value) {
    const Handle space(H5Screate(H5S_SCALAR), H5Sclose, "write " + name);
    const Handle attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT),
                           H5Aclose, "write " + name);
    check(H5Awrite(attribute, type, value), "write " + name);
}

template <class Number>
void writeAttribute(hid_t object, const std::string& name, Number value) {
    writeAttribute(object, name, nativeType(value), &value);
}

inline void writeAttribute(hid_t object, const std::string& name, bool value) {
    writeAttribute(object, name, static_cast<int>(value));
}

inline void writeAttribute(hid_t object, const std::string& name, const std::string& text) {
    writeAttribute(object, name, textType(text.size()), text.c_str());
}

template <class Number>
void readAttribute(hid_t object, const std::string& name, Number& value) {
    const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "read " + name);
    const Handle space(H5Aget_space(attribute), H5Sclose, "read " + name);
    check(H5Sget_simple_extent_npoints(space) == 1 ? 0 : -1, "read " + name);
    check(H5Aread(attribute, nativeType(value), &value), "read " + name);
}

inline void readAttribute(hid_t object, const std::string& name, bool& value) {
    int number = 0;
    readAttribute(object, name, number);
    value = number != 0;
}

inline void readAttribute(hid_t object, const std::string& name, std::string& text) {
    constexpr size_t kLongestText = 16U << 20;
    const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "read " + name);
    const Handle type(H5Aget_type(attribute), H5Tclose, "read " + name);
    const Handle space(H5Aget_space(attribute), H5Sclose, "read " + name);
    const size_t length = H5Tget_size(type);
    const bool readable = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 &&
                          H5Sget_simple_extent_npoints(space) == 1 && length <= kLongestText;
    check(readable ? 0 : -1, "read the text " + name);
    text.assign(length, '\0');
    check(H5Aread(attribute, type, text.data()), "read " + name);
    text.resize(text.find_last_not_of('\0') + 1);
}

/// The type as a file has it: without the gaps of a struct, which hold whatever was in memory.
inline Handle packed(hid_t type, const std::string& name) {
    Handle copy(H5Tcopy(type), H5Tclose, "write " + name);
    if (H5Tget_class(copy) == H5T_COMPOUND) {
        check(H5Tpack(copy), "write " + name);
    }
    return copy;
}

/// A dataset of any element type; `sizes` are its dimensions.
inline Handle writeDataset(hid_t parent, const std::string& name, hid_t type,
                           const std::vector<hsize_t>& sizes, const void* values) {
    const Handle space(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr),
                       H5Sclose, "write " + name);
    Handle dataset(H5Dcreate2(parent, name.c_str(), packed(type, name), space, H5P_DEFAULT,
                              H5P_DEFAULT, H5P_DEFAULT),
                   H5Dclose, "write " + name);
    check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), "write " + name);
    return dataset;
}

/// A dataset whose values lie in this file. Throws Error("report.link").
inline Handle openDataset(hid_t parent, const std::string& name) {
    requireOwn(parent, name);
    Handle dataset(H5Dopen2(parent, name.c_str(), H5P_DEFAULT), H5Dclose, "read " + name);
    const Handle creation(H5Dget_create_plist(dataset), H5Pclose, "read " + name);
    if (H5Pget_external_count(creation) > 0 || H5Pget_layout(creation) == H5D_VIRTUAL) {
        throw Error("report.link",
                    "In the report the values of " + name +
                        " lie in another file, which is not read: a report holds its own data. "
                        "Make it again, and do not trust the one who wrote it.",
                    {{"name", name}});
    }
    return dataset;
}

/// All elements of a dataset that `limit` bytes of file can hold; `type` describes Element.
template <class Element>
std::vector<Element> readDataset(hid_t parent, const std::string& name, hid_t type,
                                 uint64_t limit) {
    const Handle dataset = openDataset(parent, name);
    const Handle space(H5Dget_space(dataset), H5Sclose, "read " + name);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    check(count >= 0 && static_cast<uint64_t>(count) <= limit ? 0 : -1, "read " + name);
    std::vector<Element> values(static_cast<size_t>(count));
    if (count > 0) {
        check(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "read " + name);
    }
    return values;
}

} // namespace caldera::hdf5
