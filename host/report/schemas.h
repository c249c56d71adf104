// The published schemas of report.json (JSON Schema, draft 7), as this program keeps to them.
#pragma once

namespace corank {

/// Of a step on the accelerator: host/report/report.schema.json.
extern const char* const kReportSchema;
/// Of a fine-tuning run: host/report/finetune_report.schema.json.
extern const char* const kFinetuneReportSchema;
/// Of --fidelity analytic: host/report/analytic_report.schema.json.
extern const char* const kAnalyticReportSchema;

}  // namespace corank
