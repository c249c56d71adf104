// Files that corank writes: whole or not at all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace corank {

/// A file that is being written. It is opened before the work whose results it takes, so that a
/// path that is wrong is found before that work.
///
/// The bytes go to a temporary file, which takes the place of the file that `path` leads to,
/// through symbolic links, in finish(); without that, everything stays as it was. What is no
/// regular file (a terminal, a pipe, /dev/null) and this process's own output are never replaced:
/// the bytes go there.
class OutputFile {
 public:
  /// `named`: how messages call it, like "--trace step.json"; "": the path. Throws InputError that
  /// says why there cannot be such a file: it is a folder, nobody may write there, nobody reads
  /// from the pipe ...
  explicit OutputFile(const std::string& path, const std::string& named = "");
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Throws MachineError if the disk refuses, Interrupted if the user ends the wait for a pipe.
  void write(std::string_view bytes);
  /// The same; the file is then there.
  void finish();

  /// Where the bytes lie until then, for who writes by name alone; "" for what is no regular file.
  const std::string& temporary() const { return temporary_; }
  /// Whoever writes by name makes a file of that name and this suffix for a time; it is removed
  /// too.
  void expect_beside(const std::string& suffix);

 private:
  void open_stream(const std::string& path);
  void open_temporary();
  void flush();
  [[noreturn]] void refuse(int error) const;
  [[noreturn]] void fail(int error) const;

  std::string named_;
  std::string target_, temporary_, beside_;
  std::string buffer_;
  int file_ = -1;
};

/// A folder that files are written to. Makes it, and those above it; what it made and what is still
/// empty at its end is removed. Throws InputError like OutputFile.
class OutputFolder {
 public:
  explicit OutputFolder(const std::string& path, const std::string& named = "");
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

 private:
  void remove_empty();

  std::vector<std::string> made_;
};

/// Removes every temporary file of this process, which ends now, and what it made of folders that
/// are still empty. A signal handler may call it.
void remove_temporary_files();

struct NamedPath {
  std::string named, path;
};

/// Throws InputError if an output is one of the inputs, or another output. Different paths may lead
/// to one file. What is no regular file is never in the way.
void check_outputs(const std::vector<NamedPath>& outputs, const std::vector<std::string>& inputs);

}  // namespace corank
