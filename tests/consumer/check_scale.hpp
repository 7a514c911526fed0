#pragma once

/// The largest relative difference between the gradients of a network with the unit "scale" and difference
/// quotients.
double error_of_scale();
