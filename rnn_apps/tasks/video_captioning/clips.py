"""The inputs of video captioning: clips."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.data.caption_files import CaptionsLayout
from rnn_apps.data.caption_sources import load_captioned_clips
from rnn_apps.data.images import encode_png, read_image
from rnn_apps.data.video import VIDEO_SUFFIXES, pick_evenly, read_frames
from rnn_apps.models.encoder_decoder import clip_feature_extractor, frame_sequence_encoder
from rnn_apps.tasks.cell import recurrent_options
from rnn_apps.tasks.visual import (
    check_clip,
    decode_frames,
    input_errors,
    list_frames,
    missing_pyav,
    noise_frames,
)


class Clips:
    """Clips as inputs of a captioning network.

    Args:
        recipe: `Recipe` of video captioning.

    Attributes:
        frames: maximum number of frames per clip, evenly spaced.
        fingerprint: settings that change how clips are read.
        raw_spec: `tf.TensorSpec` of raw inputs, encoded frames (batch, frames), empty for padding.
    """

    raw_spec = tf.TensorSpec([None, None], tf.string, name="frames")

    def __init__(self, recipe):
        self._recipe, self._size = recipe, recipe.model.encoder.image_size
        self.frames, self.fingerprint = recipe.model.frames, [recipe.model.frame_order]

    def load(self, source, request, invalid):
        """Return the `CaptionedSplits` of a folder, or of synthetic data."""
        return load_captioned_clips(source, request, invalid, CaptionsLayout(*self._recipe.data.layout))

    def read(self, store, example):
        """Return evenly spaced frames of an example, uint8 (frames, height, width, 3)."""
        frames = self._frames_of(store, example)
        if self._recipe.model.frame_order == "kept":
            return frames
        rng = np.random.default_rng([self._recipe.seed, *example.name.encode()])
        return frames[rng.permutation(len(frames))]

    def _frames_of(self, store, example):
        first = example.frames[0]
        if len(example.frames) == 1 and first.lower().endswith(VIDEO_SUFFIXES):
            try:
                return read_frames(store.read(first), tuple(self._size), self.frames)
            except ImportError as error:
                raise missing_pyav() from error
        chosen = [example.frames[i] for i in pick_evenly(len(example.frames), self.frames)]
        return np.stack([read_image(store.read(name), self._size) for name in chosen])

    def extractor(self, cnn):
        """Return the feature extractor, which applies the CNN to every frame."""
        return clip_feature_extractor(cnn)

    def encoder(self, cnn):
        """Return the encoder, bidirectional recurrent layers over the frames."""
        model, (regions, features) = self._recipe.model, cnn.output_shape[1:]
        return frame_sequence_encoder(
            regions * features,
            model.projection,
            model.dropout,
            model.layer_dropout,
            self._recipe.seed,
            units=tuple(model.encoder_units),
            **recurrent_options(self._recipe),
        )

    def step_names(self, count):
        """Return the names of the frames."""
        return [f"frame {number + 1}" for number in range(count)]

    def raw_tensor(self, paths):
        """Return the encoded frames of video files, or of folders of images in the order of their names."""
        clips = [[encode_png(frame) for frame in self._frames_at(Path(path))] for path in paths]
        longest = max(map(len, clips), default=0)
        return tf.constant([clip + [b""] * (longest - len(clip)) for clip in clips])

    def _frames_at(self, path):
        check_clip(path)
        with input_errors(path):
            if not path.is_dir():
                return read_frames(path, tuple(self._size), self.frames)
            paths = list_frames(path)
            chosen = [paths[i] for i in pick_evenly(len(paths), self.frames)]
            return np.stack([read_image(one.read_bytes(), self._size) for one in chosen])

    def decode(self, encoded):
        """Decode frames (batch, frames) to pixels, 1 to 255, with 0 for padding."""
        return decode_frames(_spread_evenly(encoded, self.frames), self._size, lowest=1.0)

    def example_raw(self):
        """Return clips of three, two and one frames."""
        frames = noise_frames()
        return tf.stack([tf.stack(frames[:n] + [tf.constant("")] * (3 - n)) for n in (3, 2, 1)])


def _spread_evenly(encoded, limit):
    """Select at most `limit` evenly spaced frames of each clip, strings (batch, frames)."""
    counts = tf.reduce_sum(tf.cast(tf.strings.length(encoded) > 0, tf.int32), axis=1, keepdims=True)
    steps = tf.range(tf.minimum(limit, tf.maximum(tf.shape(encoded)[1], 1)))[None]
    picked = tf.where(counts > limit, (2 * steps + 1) * counts // (2 * limit), steps)
    padded = tf.pad(encoded, [[0, 0], [0, tf.maximum(1 - tf.shape(encoded)[1], 0)]])
    return tf.gather(padded, picked, batch_dims=1)
