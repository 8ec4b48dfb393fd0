// The dialog of rented pods: its page, kept or given up.
#pragma once

#include <QDialog>

#include "widgets/pods/pod_page.h"

namespace caldera::studio {

/// Loses nothing that was typed unasked. `kept()` comes before accepted().
class PodDialog : public QDialog {
    Q_OBJECT
public:
    /// `secrets` must outlive it. Shows `settings`.
    PodDialog(SecretStore& secrets, PodPage::Connect connect, const PodSettings& settings,
              QWidget* parent = nullptr);

    PodPage* page() const { return page_; }
    void reject() override;

Q_SIGNALS:
    void kept(const PodSettings& settings);

private:
    void keep();
    void askAboutSecret();

    PodPage* page_;
};

} // namespace caldera::studio
