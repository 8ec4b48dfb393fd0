// Bodies that come in chunks (RFC 9112, 7.1). httplib takes what follows a chunk for the end of the
// body when it is framed wrongly, so that a part would pass for the whole.
#pragma once

#include <functional>
#include <string_view>

#include <httplib.h>

namespace caldera {

/// Gives `take` the bytes of the body up to its last chunk. False when they are framed wrongly or
/// break off, or when `take` wants no more.
bool readChunks(httplib::Stream& stream, const std::function<bool(std::string_view)>& take);

} // namespace caldera
