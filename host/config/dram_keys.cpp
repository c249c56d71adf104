#include "host/config/dram_keys.h"

#include <algorithm>
#include <stdexcept>

#include "host/config/energy_keys.h"
#include "models/base/error.h"
#include "sim/dram/address_map.h"

namespace corank {
namespace {

Key organisation_keys(DramOrganisation& o) {
  return mapping(
      "organisation", "what one channel's data bus is made of, one rank",
      {required(integer("bank_groups", o.bank_groups, {1, 8, true}, "", "bank groups")),
       required(integer("banks", o.banks, {1, 8, true}, "", "banks of a group")),
       required(integer("row_bytes", o.row_bytes, {64, 1 << 16, true}, "B",
                        "an open row over the whole data bus")),
       required(integer("rows", o.rows, {1, 1 << 20, true}, "", "rows of a bank")),
       required(integer("access_bytes", o.access_bytes, {8, 256, true}, "B",
                        "of one read or write command: bus width times burst length")),
       required(integer("chips", o.chips, {1, 64}, "", "chips that share the data bus"))});
}

Key timing_keys(DramTiming& t) {
  const IntegerRange some{1, 1 << 20};
  const auto clocks = [&](const std::string& name, int& field, const std::string& help) {
    return required(integer(name, field, some, "tCK", help));
  };
  return mapping("timing", "JEDEC's timing parameters, in clocks",
                 {required(number("tCK_ns", t.tCK_ns, {0.01, 100}, "ns", "command clock")),
                  clocks("CL", t.CL, "read command to first data, tDQSCK included"),
                  clocks("CWL", t.CWL, "write command to first data"),
                  clocks("burst", t.burst, "data of one command on the bus"),
                  clocks("tRCD_RD", t.tRCD_RD, "activate to read"),
                  clocks("tRCD_WR", t.tRCD_WR, "activate to write"),
                  clocks("tRP", t.tRP, "precharge of one bank"),
                  clocks("tRP_AB", t.tRP_AB, "precharge of all banks"),
                  clocks("tRAS", t.tRAS, "activate to precharge"),
                  clocks("tRC", t.tRC, "activate to activate of one bank"),
                  clocks("tRRD_S", t.tRRD_S, "activate to activate, other bank group"),
                  clocks("tRRD_L", t.tRRD_L, "activate to activate, same bank group"),
                  clocks("tFAW", t.tFAW, "window of four activates"),
                  clocks("tCCD_S", t.tCCD_S, "column command to column command, other bank group"),
                  clocks("tCCD_L", t.tCCD_L, "column command to column command, same bank group"),
                  clocks("tRTP", t.tRTP, "read to precharge"),
                  clocks("tWR", t.tWR, "end of write data to precharge"),
                  clocks("tWTR_S", t.tWTR_S, "end of write data to read, other bank group"),
                  clocks("tWTR_L", t.tWTR_L, "end of write data to read, same bank group"),
                  clocks("tRTW", t.tRTW, "read command to write command"),
                  clocks("tRFC", t.tRFC, "refresh of all banks"),
                  clocks("tREFI", t.tREFI, "refresh to refresh"),
                  integer("activate_slots", t.activate_slots, {1, 8}, "tCK",
                          "clocks of the command bus that an activate takes")});
}

Key current_keys(DramCurrents& i) {
  const NumberRange current{0, 1e5};
  return mapping("currents", "JEDEC's IDD of one chip; left out: not known",
                 {required(number("VDD", i.VDD, {0.1, 5}, "V", "supply")),
                  required(number("IDD0", i.IDD0, current, "mA", "activate and precharge")),
                  required(number("IDD2N", i.IDD2N, current, "mA", "standby, all banks closed")),
                  required(number("IDD3N", i.IDD3N, current, "mA", "standby, a bank open")),
                  required(number("IDD4R", i.IDD4R, current, "mA", "reading")),
                  required(number("IDD4W", i.IDD4W, current, "mA", "writing")),
                  required(number("IDD5B", i.IDD5B, current, "mA", "refresh"))});
}

Key access_keys(DramAccessEnergy& a) {
  const NumberRange energy{0, 1e5};
  return mapping("access", "energy of a device whose currents are not known; left out: not known",
                 {required(number("pj_per_bit", a.pj_per_bit, energy, "pJ",
                                  "of a bit read or written, all that it takes included")),
                  required(number_pair("span", a.low_pj, a.high_pj, energy, "pJ",
                                       "the least and the most that its sources give")),
                  required(text("source", a.source, "where the figure comes from")),
                  required(choice("quality", a.quality, energy_qualities(), "how it was got"))});
}

/// The node at "a.b" below a mapping, else the mapping.
const YamlNode& item_at(const YamlNode& root, const std::string& path) {
  const YamlNode* node = &root;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    node = find(*node, path.substr(begin, end - begin));
    if (node == nullptr) return root;
    begin = end + 1;
  }
  return *node;
}

}  // namespace

std::vector<Key> dram_device_keys(DramDevice& device) {
  return {untimed(required(text("name", device.name, "the device"))),
          untimed(required(text("source", device.source, "where the figures come from"))),
          untimed(required(text("quality", device.quality, "how far they can be trusted"))),
          required(organisation_keys(device.organisation)),
          required(timing_keys(device.timing)),
          boolean("separate_buses", device.separate_buses,
                  "row and column commands can go at the same clock"),
          untimed(current_keys(device.currents)),
          untimed(number("io_pj_per_bit", device.io_pj_per_bit, {0, 1000}, "pJ",
                         "energy of the interface; 0: not known")),
          untimed(text("io_source", device.io_source, "where that figure comes from")),
          untimed(access_keys(device.access))};
}

std::vector<Key> dram_keys(DramConfig& dram) {
  DramControllerConfig& c = dram.controller;
  const IntegerRange entries{1, 1024};
  return {
      or_file(mapping("device", "kind dram: the DRAM device", dram_device_keys(dram.device))),
      integer("channels", dram.channels, {1, 64}, "",
              "kind dram: channels, each with a data bus of its own"),
      text("address_map", dram.address_map,
           "kind dram: row, bank, group, column, channel from the most to the least significant; "
           "column:2 is two bits of it"),
      choice_of("page_policy", c.page_policy, {PagePolicy::kOpen, PagePolicy::kClosed},
                "kind dram: whether a row stays open that no queued access needs"),
      mapping(
          "queues", "kind dram: the controller of each channel",
          {integer("read", c.read_queue, entries, "", "reads that it chooses from"),
           integer("write", c.write_queue, entries, "", "writes that it holds back"),
           integer("reads_in_flight", c.reads_in_flight, entries, "",
                   "from admission to last data"),
           integer("drain_high", c.drain_high, {0, 1023}, "", "more writes than that are drained"),
           integer("drain_low", c.drain_low, {0, 1023}, "", "down to that many"),
           integer("starvation_limit", c.starvation_limit, {1, 1 << 20}, "",
                   "so many accesses may pass one, so many writes waiting reads")})};
}

void check_dram_device(const DramDevice& device, const YamlNode& node, const std::string& path) {
  if (const auto wrong = find_contradiction(device))
    throw InputError(item_at(node, wrong->key).where,
                     join_path(path, wrong->key) + ": " + wrong->message);
  const DramAccessEnergy& access = device.access;
  if (const YamlNode* given = find(node, "access"))
    check_span(*find(*given, "span"), join_path(path, "access.span"), "pj_per_bit",
               access.pj_per_bit, access.low_pj, access.high_pj);
}

void check_dram(const DramConfig& dram, const YamlNode& memory) {
  const YamlNode* device = find(memory, "device");
  if (device == nullptr)
    throw InputError(memory.where, "memory: the key 'device' is missing, which kind dram needs");
  check_dram_device(dram.device, *device, "memory.device");
  try {
    DramAddressMap(dram.address_map, dram.device.organisation, dram.channels);
  } catch (const std::invalid_argument& error) {
    throw InputError(item_at(memory, "address_map").where,
                     std::string("memory.address_map: ") + error.what());
  }
  const DramControllerConfig& c = dram.controller;
  if (c.drain_high >= c.write_queue)
    throw InputError(item_at(memory, "queues.drain_high").where,
                     "memory.queues.drain_high: expected less than the write queue's " +
                         std::to_string(c.write_queue) + ", found " + std::to_string(c.drain_high));
  if (c.drain_low >= c.drain_high)
    throw InputError(item_at(memory, "queues.drain_low").where,
                     "memory.queues.drain_low: expected less than drain_high, " +
                         std::to_string(c.drain_high) + ", found " + std::to_string(c.drain_low));
}

}  // namespace corank
