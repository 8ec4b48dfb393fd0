#include "widgets/support/cell_text.h"

#include <QCoreApplication>

#include <string_view>

namespace caldera::studio {

QString moduleText(Module module) {
    const std::string_view name = moduleName(module);
    return QString::fromLatin1(name.data(), static_cast<qsizetype>(name.size()));
}

QString cellTitle(Cell cell) {
    return QCoreApplication::translate("CellText", "layer %1 · %2")
        .arg(QString::number(cell.layer), moduleText(cell.module));
}

QString cellHeading(Cell cell) {
    return QCoreApplication::translate("CellText", "Layer %1 · %2")
        .arg(QString::number(cell.layer), moduleText(cell.module));
}

} // namespace caldera::studio
