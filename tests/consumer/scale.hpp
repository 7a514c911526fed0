#pragma once

#include "lockstep/nn/unit_forms.hpp"

namespace consumer::inline LOCKSTEP_REAL {

/// y = g x, with a learned gain g for each value; in a configuration "scale".
lockstep::UnitForm scale_form();

}  // namespace consumer::inline LOCKSTEP_REAL
