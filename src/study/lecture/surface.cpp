#include "study/lecture/surface.hpp"

namespace lockstep {

namespace {

double quadratic(const Point& p) { return 0.5 * (p[0] * p[0] + 25 * p[1] * p[1]); }
Point quadratic_gradient(const Point& p) { return {p[0], 25 * p[1]}; }
Hessian2 quadratic_hessian(const Point& /*p*/) { return {1, 0, 0, 25}; }

double rosenbrock(const Point& p) {
  const double valley = p[1] - p[0] * p[0];
  return (1 - p[0]) * (1 - p[0]) + 100 * valley * valley;
}
Point rosenbrock_gradient(const Point& p) {
  const double valley = p[1] - p[0] * p[0];
  return {-2 * (1 - p[0]) - 400 * p[0] * valley, 200 * valley};
}
Hessian2 rosenbrock_hessian(const Point& p) {
  const double mixed = -400 * p[0];
  return {2 - 400 * (p[1] - 3 * p[0] * p[0]), mixed, mixed, 200};
}

/// Beale's three terms c - x (1 - yᵏ), k = 1, 2, 3, with u = 1 - yᵏ and its derivatives by y.
struct BealeTerm {
  double residual, u, du, ddu;
};
std::array<BealeTerm, 3> beale_terms(const Point& p) {
  const double x = p[0];
  const double y = p[1];
  const std::array<double, 3> u = {1 - y, 1 - y * y, 1 - y * y * y};
  return {BealeTerm{1.5 - x * u[0], u[0], -1, 0}, BealeTerm{2.25 - x * u[1], u[1], -2 * y, -2},
          BealeTerm{2.625 - x * u[2], u[2], -3 * y * y, -6 * y}};
}
double beale(const Point& p) {
  double sum = 0;
  for (const BealeTerm& term : beale_terms(p)) sum += term.residual * term.residual;
  return sum;
}
Point beale_gradient(const Point& p) {
  Point g{};
  for (const BealeTerm& term : beale_terms(p)) {
    g[0] -= 2 * term.residual * term.u;
    g[1] -= 2 * term.residual * p[0] * term.du;
  }
  return g;
}
Hessian2 beale_hessian(const Point& p) {
  Hessian2 h{};
  const double x = p[0];
  for (const BealeTerm& term : beale_terms(p)) {
    h[0] += 2 * term.u * term.u;
    h[1] += 2 * (x * term.du * term.u - term.residual * term.du);
    h[3] += 2 * (x * x * term.du * term.du - term.residual * x * term.ddu);
  }
  h[2] = h[1];
  return h;
}

double saddle(const Point& p) {
  const double y2 = p[1] * p[1];
  return 0.5 * p[0] * p[0] + 0.25 * y2 * y2 - 0.5 * y2;
}
Point saddle_gradient(const Point& p) { return {p[0], p[1] * p[1] * p[1] - p[1]}; }
Hessian2 saddle_hessian(const Point& p) { return {1, 0, 0, 3 * p[1] * p[1] - 1}; }

}  // namespace

const std::vector<Surface>& surfaces() {
  static const std::vector<Surface> all = {{"quadratic",
                                            "½ (x² + 25 y²)",
                                            {-4, 1},
                                            {-5, -2},
                                            {5, 2},
                                            0,
                                            quadratic,
                                            quadratic_gradient,
                                            quadratic_hessian},
                                           {"rosenbrock",
                                            "(1 - x)² + 100 (y - x²)²",
                                            {-1.2, 1},
                                            {-2, -1},
                                            {2, 3},
                                            0,
                                            rosenbrock,
                                            rosenbrock_gradient,
                                            rosenbrock_hessian},
                                           {"beale",
                                            "(1.5 - x + x y)² + (2.25 - x + x y²)² + (2.625 - x + x y³)²",
                                            {1, 1.5},
                                            {-1, -1.5},
                                            {4.5, 2},
                                            0,
                                            beale,
                                            beale_gradient,
                                            beale_hessian},
                                           {"saddle",
                                            "½ x² + ¼ y⁴ - ½ y²",
                                            {-2, 0.01},
                                            {-2.5, -2},
                                            {2.5, 2},
                                            -0.25,
                                            saddle,
                                            saddle_gradient,
                                            saddle_hessian}};
  return all;
}

}  // namespace lockstep
