#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "study/curve.hpp"

namespace lockstep {

/// What the pages of studies are made of: see report/page.hpp for the form of a section.

struct Axis {
  std::string title;
  bool is_logarithmic = false;
};

/// A quantity of the curves, and how its lines are told from those of others.
struct DrawnQuantity {
  Quantity quantity;
  std::string name;             ///< after the variant's name; empty if there is but one
  std::string style = "solid";  ///< or dashed, dotted
};

/// The curves of one variant, seed by seed.
using VariantCurves = std::vector<Curve>;

/// Mean over the seeds, with a band from the smallest to the largest, against `x`: one line for each variant
/// and quantity. Runs that diverged are left out where they have no points.
nlohmann::ordered_json curves_chart(const std::string& id, const std::string& title,
                                    const std::string& description,
                                    const std::vector<VariantCurves>& variants, Quantity x,
                                    const Axis& x_axis, const std::vector<DrawnQuantity>& quantities,
                                    const Axis& y_axis);

/// The losses (or accuracies, as `result` says) of the parts of the data that were measured, as lines of
/// their own.
std::vector<DrawnQuantity> drawn_parts(const std::vector<VariantCurves>& variants,
                                       Quantity MeasuredPart::*result, bool with_training = true);

/// "training loss 0.1 ± 0.02, test loss 0.3 ± 0.01" at the end, of the parts that were measured.
std::string losses_text(const VariantCurves& curves);

/// A chart without series.
nlohmann::ordered_json empty_chart(const std::string& id, const std::string& title,
                                   const std::string& description, const Axis& x_axis, const Axis& y_axis);

/// A series of a chart, without points. Series of one `group` share a colour; without a `style`, points stay
/// points in a chart of points.
nlohmann::ordered_json empty_series(const std::string& name, const std::string& style = "");
nlohmann::ordered_json empty_series(const std::string& name, const std::string& style,
                                    const std::string& group);

/// Appends a point, a number or a text along x, and the band about the last one.
void add_point(nlohmann::ordered_json& series, const nlohmann::ordered_json& x, double y);
void add_band(nlohmann::ordered_json& series, double low, double high);

/// With a capital, as titles begin.
std::string capitalized(std::string text);

/// A row a variant: name, then what the training ended with, mean ± standard deviation over the seeds.
nlohmann::ordered_json results_table(const std::vector<VariantCurves>& variants);

}  // namespace lockstep
