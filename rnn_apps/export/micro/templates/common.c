/* What surrounds the network: raw steps to features, integers to numbers, outputs to answers. */
#include "network.h"

#include <limits.h>
#include <math.h>

static rnn_integer rounded(float value, const struct rnn_tensor *tensor) {
  const float integer = floorf(value / tensor->scale + 0.5f) + (float)tensor->zero_point;
  if (integer < RNN_LOWEST) return RNN_LOWEST;
  if (integer > RNN_HIGHEST) return RNN_HIGHEST;
  return (rnn_integer)integer;
}

void rnn_quantize(const float *values, const struct rnn_tensor *tensor, rnn_integer *integers) {
  for (int i = 0; i < tensor->size; ++i) integers[i] = rounded(values[i], tensor);
}

void rnn_dequantize(const rnn_integer *integers, const struct rnn_tensor *tensor, float *values) {
  for (int i = 0; i < tensor->size; ++i) values[i] = (float)(integers[i] - tensor->zero_point) * tensor->scale;
}

void rnn_carry(const rnn_integer *after, int state, rnn_integer *before) {
  const struct rnn_tensor *from = &rnn_outputs[state], *to = &rnn_inputs[state];
  for (int i = 0; i < to->size; ++i) {
    before[i] = rounded((float)(after[i] - from->zero_point) * from->scale, to);
  }
}

int rnn_highest(const float *values) {
  int best = 0;
  for (int i = 1; i < RNN_OUTPUTS; ++i) {
    if (values[i] > values[best]) best = i;
  }
  return best;
}
