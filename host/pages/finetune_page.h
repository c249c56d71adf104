// The page of a fine-tuning run.
#pragma once

#include <optional>

#include "host/huggingface/json_object.h"
#include "host/pages/page.h"
#include "host/pages/timeline.h"

namespace corank {

/// Of a report that is_finetuning(). Throws InputError like run_page().
Page finetune_page(const JsonObject& report, const std::optional<Timeline>& timeline);

}  // namespace corank
