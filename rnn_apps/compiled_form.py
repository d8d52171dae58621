"""Names by which the server finds the second form of the loops in a SavedModel; see `layers.served_loop`."""

SWITCH = "rnn_apps_compiled_loops"  # a constant, which chooses the form
FUNCTION = "rnn_apps_compiled_loop"  # a function, which XLA can compile
LENGTHS = (64, 256, 1024, 4096)  # one is compiled for each; steps of the padding are not computed
