// The page of one run: of steps of layers, or of a fine-tuning.
#pragma once

#include "host/huggingface/json_object.h"
#include "host/pages/page.h"
#include "host/pages/timeline.h"

namespace corank {

/// Whether it is the report of a fine-tuning run (host/report/finetune_report.schema.json).
bool is_finetuning(const JsonObject& report);

/// Of a report.json. Throws InputError that names the key which is missing or wrong.
Page run_page(const JsonObject& report, const std::optional<Timeline>& timeline = std::nullopt);

}  // namespace corank
