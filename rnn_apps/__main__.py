"""``python -m rnn_apps``."""

from rnn_apps.cli import main

if __name__ == "__main__":
    main()
