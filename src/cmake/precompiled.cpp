// Compiled for its precompiled header, which the parts use.
