"""Export for microcontrollers: one step of a network in integers, in C, tried in TensorFlow Lite Micro."""
