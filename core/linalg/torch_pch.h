// Precompiled for every Torch translation unit: these headers take 20 seconds to parse.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/types.h>
