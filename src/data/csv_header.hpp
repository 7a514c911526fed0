#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/csv_labels.hpp"
#include "lockstep/data/table_column.hpp"

namespace lockstep {

/// The rule of Header::kAuto for a first line of which no field is asked for by name: it names the columns if
/// one of its features is a name, and none is a number. `is_beside`: the fields that are for no features.
bool looks_like_names(std::span<const std::string_view> fields, const std::vector<bool>& is_beside);

/// Whether `fields`, but those that stand beside the features, are what `columns` of a training file without
/// names hold.
bool is_row_of(const std::vector<TableColumn>& columns, std::span<const std::string_view> fields,
               const std::vector<bool>& is_beside);

/// Whether a column of this name has the numbers or names of the rows: pandas and R write an index without a
/// name, which pandas reads as "Unnamed: 0", and as "Unnamed: 0.1" where that is there already.
bool names_rows(std::string_view name);

/// Looks again at a first line `where` that was taken for a sample, once all labels are known. Errors: its
/// label tells that it rather names the columns. Warns where its numbers are as those that number columns.
/// `has_names`: the texts of its features occur nowhere else, though others do.
void doubt_first_sample(const std::string& where, const std::vector<std::string>& fields,
                        const std::vector<bool>& is_beside, FirstLabel label, bool has_names);

}  // namespace lockstep
