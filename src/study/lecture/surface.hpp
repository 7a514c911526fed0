#pragma once

#include <array>
#include <string>
#include <vector>

namespace lockstep {

using Point = std::array<double, 2>;
using Hessian2 = std::array<double, 4>;  ///< row-major

/// A function of two variables to descend on.
struct Surface {
  std::string name;
  std::string formula;
  Point start;
  Point lowest, highest;  ///< corners of the picture
  double minimum = 0;     ///< its smallest value
  double (*value)(const Point& p) = nullptr;
  Point (*gradient)(const Point& p) = nullptr;
  Hessian2 (*hessian)(const Point& p) = nullptr;
};

/// - quadratic: ½ (x² + 25 y²), of condition 25.
/// - rosenbrock: (1 - x)² + 100 (y - x²)² (Rosenbrock: An automatic method for finding the greatest or least
/// value of a
///   function, 1960).
/// - beale: (1.5 - x + x y)² + (2.25 - x + x y²)² + (2.625 - x + x y³)² (Beale, 1958), minimum 0 at (3, 0.5).
/// - saddle: ½ x² + ¼ y⁴ - ½ y², a saddle at 0 between two minima of -¼ at (0, ±1).
const std::vector<Surface>& surfaces();

}  // namespace lockstep
