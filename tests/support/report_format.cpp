#include "tests/support/report_format.h"

#include <hdf5.h>

namespace caldera::test {

void setReportFormat(const std::filesystem::path& report,
                     const std::optional<std::string>& format) {
    const hid_t file = H5Fopen(report.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    H5Adelete(file, "format");
    if (format) {
        const hid_t type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, format->size());
        const hid_t space = H5Screate(H5S_SCALAR);
        const hid_t attribute = H5Acreate2(file, "format", type, space, H5P_DEFAULT, H5P_DEFAULT);
        H5Awrite(attribute, type, format->data());
        H5Aclose(attribute);
        H5Sclose(space);
        H5Tclose(type);
    }
    H5Fclose(file);
}

} // namespace caldera::test
