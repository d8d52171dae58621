/* Runs the network on its example steps with TensorFlow Lite for Microcontrollers, and compares the answers
   with those of the computer that exported it. Replace the loop in main() by one over your sensor's values. */
#include "network.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_log.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/system_setup.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

alignas(16) uint8_t arena[RNN_ARENA_BYTES];
rnn_integer states[RNN_STATE_VALUES]; /* zeros: the start of a sequence */

/* Reads the features of one step, and keeps the new states for the next call. */
bool Step(tflite::MicroInterpreter* interpreter, const float* features, float* outputs) {
  rnn_quantize(features, &rnn_inputs[0], tflite::GetTensorData<rnn_integer>(interpreter->input(0)));
  rnn_integer* state = states;
  for (int i = 1; i <= RNN_STATES; ++i) {
    rnn_integer* input = tflite::GetTensorData<rnn_integer>(interpreter->input(i));
    for (int j = 0; j < rnn_inputs[i].size; ++j) input[j] = *state++;
  }
  if (interpreter->Invoke() != kTfLiteOk) return false;
  rnn_dequantize(tflite::GetTensorData<rnn_integer>(interpreter->output(0)), &rnn_outputs[0], outputs);
  state = states;
  for (int i = 1; i <= RNN_STATES; ++i) {
    rnn_carry(tflite::GetTensorData<rnn_integer>(interpreter->output(i)), i, state);
    state += rnn_inputs[i].size;
  }
  return true;
}

}  // namespace

int main() {
  tflite::InitializeTarget();
  tflite::MicroMutableOpResolver<RNN_OPERATORS> resolver;
  RNN_ADD_OPERATORS(resolver)
  tflite::MicroInterpreter interpreter(tflite::GetModel(rnn_model), resolver, arena, RNN_ARENA_BYTES);
  if (interpreter.AllocateTensors() != kTfLiteOk) {
    MicroPrintf("RNN_ARENA_BYTES is too small: %d", RNN_ARENA_BYTES);
    return 1;
  }
  static float features[RNN_FEATURES], outputs[RNN_OUTPUTS], answer[RNN_OUTPUTS];
  float largest = 0;
  rnn_reset();
  for (int step = 0; step < RNN_EXAMPLE_STEPS; ++step) {
    rnn_encode(rnn_example[step], features);
    if (!Step(&interpreter, features, outputs)) return 1;
    rnn_decode(outputs, answer);
    for (int i = 0; i < RNN_OUTPUTS; ++i) {
      const float difference = answer[i] - rnn_expected[step][i];
      if (difference > largest) largest = difference;
      if (-difference > largest) largest = -difference;
    }
    MicroPrintf("step %d: highest output %d", step, rnn_highest(answer));
  }
  MicroPrintf("largest difference: %d thousandths", static_cast<int>(1000 * largest));
  return 0;
}
