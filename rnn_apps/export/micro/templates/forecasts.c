
static float lags[RNN_LAGS][RNN_TARGETS], normalized[RNN_LAGS][RNN_TARGETS];
static float level[RNN_TARGETS], spread[RNN_TARGETS];

void rnn_reset(void) {
  for (int i = 0; i < RNN_LAGS; ++i) {
    for (int t = 0; t < RNN_TARGETS; ++t) lags[i][t] = NAN;
  }
}

static int is_missing(float value) {
  if (isnan(value)) return 1;
  for (int i = 0; i < RNN_SENTINELS; ++i) {
    if (value == rnn_sentinels[i]) return 1;
  }
  return 0;
}

static float scaled_lag(int i, int t) {
  return RNN_LOG ? logf(fmaxf(lags[i][t] + rnn_log_offset[t], RNN_TINY)) : lags[i][t];
}

static void normalize(int t) {
  float sum = 0, absolute = 0;
  int count = 0;
  for (int i = 0; i < RNN_LAGS; ++i) {
    if (!isnan(lags[i][t])) sum += scaled_lag(i, t), ++count;
  }
  level[t] = count ? sum / (float)count : rnn_mean[t];
  for (int i = 0; i < RNN_LAGS; ++i) {
    normalized[i][t] = isnan(lags[i][t]) ? 0 : scaled_lag(i, t) - level[t];
    absolute += fabsf(normalized[i][t]);
  }
  spread[t] = rnn_spread[t];
  if (RNN_BY_WINDOW) {
    spread[t] = fmaxf(absolute / (float)(count ? count : 1), RNN_MIN_SPREAD * fabsf(level[t]) + RNN_TINY);
  }
  for (int i = 0; i < RNN_LAGS; ++i) normalized[i][t] /= spread[t];
}

/* A step is a row of the series: targets, covariates, calendar; NAN stands for a missing value. */
void rnn_encode(const float *step, float *features) {
  const int data = RNN_COLUMNS - RNN_CALENDAR;
  for (int i = 0; i + 1 < RNN_LAGS; ++i) {
    for (int t = 0; t < RNN_TARGETS; ++t) lags[i][t] = lags[i + 1][t];
  }
  for (int t = 0; t < RNN_TARGETS; ++t) {
    lags[RNN_LAGS - 1][t] = is_missing(step[t]) ? NAN : step[t];
    normalize(t);
  }
  for (int i = 0; i < RNN_LAGS; ++i) {
    for (int t = 0; t < RNN_TARGETS; ++t) *features++ = normalized[i][t];
  }
  for (int t = 0; t < RNN_TARGETS; ++t) {
    *features++ = isnan(lags[RNN_LAGS - 1][t]) ? 1.0f : 0.0f;
  }
  for (int t = 0; t < RNN_TARGETS && RNN_LEVEL_FEATURE; ++t) {
    *features++ = (level[t] - rnn_mean[t]) / rnn_deviation[t];
  }
  for (int c = RNN_TARGETS; c < data; ++c) {
    *features++ = is_missing(step[c]) ? 0 : (step[c] - rnn_mean[c]) / rnn_deviation[c];
  }
  for (int c = RNN_TARGETS; c < data; ++c) *features++ = is_missing(step[c]) ? 1 : 0;
  for (int c = data; c < RNN_COLUMNS; ++c) {
    *features++ = isnan(step[c]) ? 0 : sinf(step[c] * (6.28318531f / rnn_periods[c - data]));
  }
  for (int c = data; c < RNN_COLUMNS; ++c) {
    *features++ = isnan(step[c]) ? 0 : cosf(step[c] * (6.28318531f / rnn_periods[c - data]));
  }
}

static float softplus(float x) { return x > 20 ? x : log1pf(expf(x)); }

static float raw_value(float quantile, int t) {
  const float value = level[t] + spread[t] * quantile;
  return RNN_LOG ? expf(fminf(value, RNN_MAX_LOG)) - rnn_log_offset[t] : value;
}

/* The answer holds quantiles: RNN_HORIZON steps of RNN_TARGETS targets, RNN_QUANTILES numbers each. */
void rnn_decode(const float *outputs, float *answer) {
  const int middle = RNN_QUANTILES / 2;
  for (int h = 0; h < RNN_HORIZON; ++h) {
    for (int t = 0; t < RNN_TARGETS; ++t) {
      const float *corrections = outputs + (h * RNN_TARGETS + t) * RNN_QUANTILES;
      float *quantiles = answer + (h * RNN_TARGETS + t) * RNN_QUANTILES;
      quantiles[middle] = rnn_bias[h] + corrections[middle];
      for (int i = 0; i < RNN_LAGS; ++i) {
        quantiles[middle] += normalized[i][t] * rnn_kernel[i * RNN_HORIZON + h];
      }
      for (int q = middle + 1; q < RNN_QUANTILES; ++q) {
        quantiles[q] = quantiles[q - 1] + softplus(corrections[q]);
      }
      for (int q = middle - 1; q >= 0; --q) quantiles[q] = quantiles[q + 1] - softplus(corrections[q]);
      for (int q = 0; q < RNN_QUANTILES; ++q) quantiles[q] = raw_value(quantiles[q], t);
    }
  }
}
