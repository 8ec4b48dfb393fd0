// What the Enter key does in a dialog.
#pragma once

class QDialog;
class QPushButton;

namespace caldera::studio {

/// Enter presses `button` (none: nothing) wherever the focus is, but on another button. Without
/// this Qt chooses one: of a dialog's own buttons that which accepts. Give the accepting button
/// YesRole, since QDialogButtonBox makes the first of AcceptRole the default again.
void setEnterButton(QDialog& dialog, QPushButton* button);

} // namespace caldera::studio
