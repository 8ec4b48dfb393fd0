#include "widgets/heatmap/paint_state.h"

#include <QLocale>

namespace caldera::studio {

template <typename Value>
void PaintState::set(Value& into, const Value& value) {
    if (into != value) {
        into = value;
        Q_EMIT changed();
    }
}

template <typename Value>
void PaintState::paint(PaintWhat what, Value& into, const Value& value) {
    what_ = what;
    into = value;
    Q_EMIT changed();
}

void PaintState::setTool(PaintTool tool) {
    set(reach_.tool, tool);
}

void PaintState::setEvery(int every) {
    set(reach_.every, every);
}

void PaintState::setMirrored(bool mirrored) {
    set(reach_.mirrored, mirrored);
}

void PaintState::setWhat(PaintWhat what) {
    set(what_, what);
}

void PaintState::paintBits(double bits) {
    paint(PaintWhat::Bits, bits_, bits);
}

void PaintState::paintRank(int rank) {
    paint(PaintWhat::Rank, rank_, rank);
}

void PaintState::paintCodec(const std::string& codec) {
    paint(PaintWhat::Codec, codec_, codec);
}

void PaintState::paintLock(bool on) {
    paint(PaintWhat::Lock, on_, on);
}

void PaintState::paintSkip(bool on) {
    paint(PaintWhat::Skip, on_, on);
}

CellEdit PaintState::edit() const {
    CellEdit edit;
    switch (what_) {
    case PaintWhat::Bits:
        edit.bits = bits_;
        break;
    case PaintWhat::Rank:
        edit.rank = rank_;
        break;
    case PaintWhat::Codec:
        edit.codec = codec_;
        break;
    case PaintWhat::Lock:
        edit.locked = on_;
        break;
    case PaintWhat::Skip:
        edit.skip = on_;
        break;
    }
    return edit;
}

QString PaintState::name() const {
    switch (what_) {
    case PaintWhat::Bits:
        return tr("Paint %1 bits").arg(QLocale::c().toString(bits_));
    case PaintWhat::Rank:
        return tr("Paint rank %1").arg(rank_);
    case PaintWhat::Codec:
        return tr("Paint codec %1").arg(QString::fromStdString(codec_));
    case PaintWhat::Lock:
        return on_ ? tr("Lock cells") : tr("Unlock cells");
    case PaintWhat::Skip:
        break;
    }
    return on_ ? tr("Keep cells at 16 bits") : tr("Compress cells");
}

} // namespace caldera::studio
