// What the reports of steps and of fine-tuning runs have in common, read from their JSON into what
// pictures take. What an older report lacks is left out; what is there and wrong is an InputError
// that names it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/huggingface/json_object.h"
#include "host/pages/pictures.h"

namespace corank {

/// The objects of a list, each with its place; none where there is no such key.
std::vector<JsonObject> objects_of(const JsonObject& parent, const std::string& key);
/// A number; nothing where there is no such key, or null.
std::optional<double> number_of(const JsonObject& parent, const std::string& key);

/// "32x32 at 1000 MHz"
std::string machine_text(const JsonObject& machine);
double peak_operations_per_s(const JsonObject& machine);
/// One direction of the accelerator's memory port: (data bits / 8) x clock.
double port_bytes_per_s(const JsonObject& machine);

Figure units_figure(const JsonObject& report);

/// Of `work`, by kind and pass: nothing if there is none.
std::vector<RooflineDot> dots_of_work(const JsonObject& parent, double seconds_per_cycle);
/// The link's roof for bytes of device memory, of which so many come over it; no roof if none do.
Roof link_roof(double gb_per_s, double streamed_bytes, const std::vector<RooflineDot>& dots);
std::optional<Figure> work_time_figure(const JsonObject& parent, double seconds_per_cycle);
std::optional<Figure> work_energy_figure(const JsonObject& parent);

EnergyBars energy_of(const JsonObject& energy);

/// Of `silicon` in either report.
void add_silicon_cards(const JsonObject& silicon, double clock_mhz, std::vector<Card>& cards);
Figure silicon_figure(const JsonObject& silicon, double clock_mhz);
/// What was compared, and whether all of it is right.
Figure trust_figure(const JsonObject& run);
std::string verdict_text(const JsonObject& run, bool right);

}  // namespace corank
