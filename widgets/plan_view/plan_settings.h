// The line of plan-wide settings: bits, rank, embeddings, head.
#pragma once

#include <QWidget>

class QComboBox;
class QLabel;
class QSpinBox;

namespace caldera::studio {

class PlanDocument;

class PlanSettings : public QWidget {
    Q_OBJECT
public:
    explicit PlanSettings(PlanDocument& plan, QWidget* parent = nullptr);
    QComboBox* bitsBox() const { return bits_; }
    QSpinBox* rankBox() const { return rank_; }
    QComboBox* embeddingsBox() const { return embeddings_; }
    /// Offers the bits of the embeddings (0) or of the head (1).
    void offerTableBits(int table);

private:
    void updateFromPlan();
    void fillBits();
    QComboBox* tableBits(const QString& name);

    PlanDocument& plan_;
    QComboBox* bits_;
    QString family_; ///< of the codec whose bits are offered
    QSpinBox* rank_;
    QComboBox* embeddings_;
    QLabel* headCaption_;
    QComboBox* head_;
};

} // namespace caldera::studio
