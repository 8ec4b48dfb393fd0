// What a map has under a key, where it has the key.
#pragma once

#include <optional>

namespace caldera {

/// nullopt: the map has no such key.
template <class Map>
std::optional<typename Map::mapped_type> findValue(const Map& map,
                                                   const typename Map::key_type& key) {
    const auto found = map.find(key);
    return found == map.end() ? std::nullopt : std::optional(found->second);
}

} // namespace caldera
