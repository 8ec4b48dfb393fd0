// What people call a cell.
#pragma once

#include <QString>

#include "core/model/module.h"

namespace caldera::studio {

QString moduleText(Module module);
/// "layer 3 · q_proj", in a sentence.
QString cellTitle(Cell cell);
/// "Layer 3 · q_proj", as a heading.
QString cellHeading(Cell cell);

} // namespace caldera::studio
