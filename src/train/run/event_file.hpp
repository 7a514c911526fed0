#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace lockstep {

/// The numbers of a run as TensorBoard reads them: its metrics in other words. TensorBoard names a run by the
/// folder that holds such a file.
class EventFile {
 public:
  /// Makes a file in `folder` that holds all lines of `metrics`, see metrics.hpp; each file has a name of its
  /// own, the later ones later in the alphabet, which tells a TensorBoard that is looking on to read anew.
  /// Errors: it can't be written.
  EventFile(const std::filesystem::path& folder, std::string_view metrics);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  /// Appends what `line` of the metrics holds. What can't be written is lost, and warned of once.
  void append(const nlohmann::ordered_json& line);

 private:
  std::filesystem::path file_;
  int descriptor_;
  bool warned_ = false;
};

/// Removes all such files from `folder`.
void remove_event_files(const std::filesystem::path& folder);

/// What `line` of the metrics becomes: an Event with a Summary of its numbers, as a record; empty for a line
/// without numbers. Tags are "loss/training", "learning_rate", "accuracy/validation",
/// "loss/test_average" … Source: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto.
std::string event_record(const nlohmann::ordered_json& line);

/// `data` in the framing of TensorFlow's records: length, its checksum, data, their checksum. Source:
/// https://www.tensorflow.org/tutorials/load_data/tfrecord
std::string framed(std::string_view data);

}  // namespace lockstep
