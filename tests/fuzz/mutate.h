// Ways to damage a file, one for each kind that the formats are made of.
#pragma once

#include <string>

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

/// One change of what a JSON text says, which stays JSON: values of other types and sizes, members
/// gone, misspelled, exchanged, in lists of their own. What is no JSON is changed as a text.
void mutate_json(Random& random, std::string& text);

/// A scalar that seldom belongs where it is put: "-1", "1e999", "[]", 2^63, a very long word.
std::string odd_scalar(Random& random);

/// A safetensors file after one change or a few: of values, of a tensor's size or format with or
/// without its bytes, of names, offsets and metadata, of the header's text or of any bytes. What is
/// no such file is changed as bytes.
std::string mutate_safetensors(Random& random, const std::string& file);

/// The bytes of a safetensors file.
std::string to_bytes(const SafetensorsFile& file);

}  // namespace corank::fuzz
