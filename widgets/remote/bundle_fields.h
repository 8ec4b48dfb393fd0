// The fields of a worker bundle (docs/pods.md), for machines as for pods.
#pragma once

class QLineEdit;
class QWidget;

namespace caldera::studio {

class FileLine;

/// For the archive, or the .sha256 that lies beside it.
FileLine* bundleLine(QWidget* parent);
/// For the address from which hosts fetch the same file.
QLineEdit* bundleUrlLine(QWidget* parent);

} // namespace caldera::studio
