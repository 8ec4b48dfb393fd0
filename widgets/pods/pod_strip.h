// What rented pods cost now, and the buttons that end it; hidden while nothing is rented.
#pragma once

#include <QHash>
#include <QWidget>

#include "widgets/remote/pod_service.h"

class QVBoxLayout;

namespace caldera::studio {

class PodStrip : public QWidget {
    Q_OBJECT
public:
    /// `service` must outlive the strip.
    explicit PodStrip(PodService& service, QWidget* parent = nullptr);

    /// The lines that are shown, for tests and screen readers.
    QStringList lines() const;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    void refresh();
    void addRental(PodRental& rental);
    void addStranger(const Pod& pod);
    void addLine(const QString& text, bool costs, const QList<QWidget*>& buttons);

    PodService& service_;
    QVBoxLayout* layout_;
    QString shown_; ///< what the lines were made from
};

/// "RTX 3090 for job-1: running, $0.46 an hour, $0.21 of $10.00 spent"
QString rentalLine(const PodRental& rental);

} // namespace caldera::studio
