"""``python -m rnn_apps``."""

from rnn_apps.cli import main

__all__ = []

if __name__ == "__main__":
    main()
