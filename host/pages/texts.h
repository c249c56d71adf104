// The style and the programs of the pages, as this program has them.
#pragma once

namespace corank {

extern const char* const kPageStyle;       // host/pages/page.css
extern const char* const kPageScript;      // page.js: what the pictures below share
extern const char* const kParetoScript;    // pareto.js
extern const char* const kParallelScript;  // parallel.js, behind pareto.js
extern const char* const kTimelineScript;  // timeline.js

}  // namespace corank
