#pragma once

/// Everything that a program needs which trains its own networks on its own data.
#include "lockstep/core/functions.hpp"
#include "lockstep/core/log.hpp"
#include "lockstep/core/subnormal.hpp"
#include "lockstep/nn/network.hpp"
#include "lockstep/nn/unit_forms.hpp"
#include "lockstep/nn/units.hpp"
#include "lockstep/nn/weights.hpp"
#include "lockstep/optim/methods.hpp"
#include "lockstep/session/session.hpp"
#include "lockstep/train/problem.hpp"
#include "lockstep/train/trainer.hpp"
