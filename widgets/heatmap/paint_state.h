// What the painting tools are set to: the tool, its reach, and what it paints.
#pragma once

#include <QObject>
#include <QString>

#include <string>

#include "widgets/heatmap/paint_reach.h"
#include "widgets/models/cell_edit.h"

namespace caldera::studio {

/// The setting of a cell that is painted.
enum class PaintWhat { Bits, Rank, Codec, Lock, Skip };

class PaintState : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

    const PaintReach& reach() const { return reach_; }
    PaintWhat what() const { return what_; }
    double bits() const { return bits_; }
    int rank() const { return rank_; }
    const std::string& codec() const { return codec_; }
    bool on() const { return on_; } ///< of lock and skip: set or taken away

    void setTool(PaintTool tool);
    /// 1: every layer.
    void setEvery(int every);
    void setMirrored(bool mirrored);
    void setWhat(PaintWhat what);
    // These also choose what is painted.
    void paintBits(double bits);
    void paintRank(int rank);
    void paintCodec(const std::string& codec);
    void paintLock(bool on);
    void paintSkip(bool on);

    CellEdit edit() const;
    /// "Paint 3 bits": the name of a stroke's step.
    QString name() const;

Q_SIGNALS:
    void changed();

private:
    /// Sets a value and tells when it is another.
    template <typename Value>
    void set(Value& into, const Value& value);
    template <typename Value>
    void paint(PaintWhat what, Value& into, const Value& value);

    PaintReach reach_;
    PaintWhat what_ = PaintWhat::Bits;
    double bits_ = 3;
    int rank_ = 64;
    std::string codec_ = "trellis";
    bool on_ = true;
};

} // namespace caldera::studio
