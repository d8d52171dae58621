
void rnn_reset(void) {}

/* A step is the id of a token. */
void rnn_encode(const float *step, float *features) {
  rnn_dequantize(&rnn_table[(int)step[0] * RNN_FEATURES], &rnn_inputs[0], features);
}

void rnn_decode(const float *outputs, float *answer) {
  for (int i = 0; i < RNN_OUTPUTS; ++i) answer[i] = outputs[i];
}
