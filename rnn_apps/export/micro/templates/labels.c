
void rnn_reset(void) {}

void rnn_encode(const float *step, float *features) {
  for (int i = 0; i < RNN_COLUMNS; ++i) features[i] = step[i] * rnn_scale[i] + rnn_offset[i];
}

void rnn_decode(const float *outputs, float *answer) {
  for (int i = 0; i < RNN_OUTPUTS; ++i) answer[i] = outputs[i];
}
