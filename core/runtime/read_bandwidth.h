// How fast this machine's processor reads memory: what bounds the speed of one chat.
#pragma once

namespace caldera {

/// Bytes a second that `threads` threads (0: availableCores()) read together from memory that no
/// cache holds: the best of some passes, about a quarter of a second in all.
double measureReadBandwidth(int threads);

} // namespace caldera
