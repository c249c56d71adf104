// Three ways to damage a file, one for each kind that the formats are made of.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/formats/safetensors.h"
#include "host/verify/draw.h"

namespace corank::fuzz {

using draw::Random;

/// True in so many of a hundred draws.
bool percent(Random& random, int percent);

/// 1 most of the time, seldom up to 4: how many mistakes an input gets.
int mistakes(Random& random);

/// One change of any bytes: a bit, a byte, a part cut, copied or put in, the end missing.
void mutate_bytes(Random& random, std::string& bytes);

/// One change of a text as YAML and JSON are made of: a number or a word replaced by an extreme or
/// by another type, tokens and lines cut, copied, exchanged; deep nesting, anchors and tags, odd
/// characters and encodings, very long words.
void mutate_text(Random& random, std::string& text);

/// A scalar that seldom belongs where it is put: "-1", "1e999", "[]", 2^63, a very long word.
std::string odd_scalar(Random& random);

/// A safetensors file in parts, in which nothing needs to be right. Sizes are JSON texts.
struct SafetensorsDraft {
  struct Entry {
    std::string name, dtype;
    std::vector<std::string> shape;
    std::string bytes;
    std::string begin, end;  // empty: as the bytes lie
  };
  std::vector<Entry> entries;
  std::vector<std::pair<std::string, std::string>> metadata;  // the second: JSON
};

SafetensorsDraft draft_of(const SafetensorsFile& file);
std::string to_bytes(const SafetensorsDraft& draft);

/// The bytes of a safetensors file after one change: of values, of a tensor's size or format with
/// or without its bytes, of names, offsets and metadata, of the header's text or of any bytes.
std::string mutate_safetensors(Random& random, SafetensorsDraft draft);

}  // namespace corank::fuzz
