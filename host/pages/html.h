// Text of somebody's files as a page takes it. Whatever a name says, it stays text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace corank {

/// Between tags and in quoted attributes, of HTML and of SVG: the five characters that mean
/// something there as references, control characters replaced.
std::string escaped(std::string_view text);

/// Inside of <script type="application/json">: no '<' that could end it, no '&', and the two line
/// ends that scripts of old do not have in texts. Parsed, it is the same JSON.
std::string json_for_script(const nlohmann::ordered_json& json);

}  // namespace corank
