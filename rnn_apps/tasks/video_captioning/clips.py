"""The inputs of video captioning: clips."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.data.caption_files import CaptionsLayout
from rnn_apps.data.caption_sources import load_captioned_clips
from rnn_apps.data.images import IMAGE_SUFFIXES, InvalidImage, decode_image, encode_png, read_image
from rnn_apps.data.video import VIDEO_SUFFIXES, InvalidVideo, pick_evenly, read_frames
from rnn_apps.errors import UserError
from rnn_apps.models.encoder_decoder import clip_feature_extractor, frame_sequence_encoder
from rnn_apps.tasks.cell import recurrent_options


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
            return _decoded(store.read(first), self._size, self.frames)
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
        try:
            if not path.is_dir():
                return _decoded(path, self._size, self.frames)
            names = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
            if not names:
                raise UserError(str(path), "no images in it", expected="a video file or a folder of frames")
            chosen = [names[i] for i in pick_evenly(len(names), self.frames)]
            return np.stack([read_image(name.read_bytes(), self._size) for name in chosen])
        except (InvalidVideo, InvalidImage) as error:
            raise UserError(str(path), str(error)) from error
        except OSError as error:
            raise UserError(str(path)[:200], f"cannot be read: {error.strerror}") from error

    def decode(self, encoded):
        """Decode frames (batch, frames) to pixels, 1 to 255, with 0 for padding."""
        size, encoded = self._size, _spread_evenly(encoded, self.frames)

        def frame(encoded):
            picture = tf.cond(
                tf.strings.length(encoded) > 0,
                lambda: tf.clip_by_value(decode_image(encoded, size), 1.0, 255.0),
                lambda: tf.zeros([*size, 3]),
            )
            return tf.ensure_shape(picture, [*size, 3])

        spec = tf.TensorSpec([*size, 3], tf.float32)
        pixels = tf.map_fn(frame, tf.reshape(encoded, [-1]), fn_output_signature=spec)
        shape = tf.concat([tf.shape(encoded), [*size, 3]], 0)
        return tf.ensure_shape(tf.reshape(pixels, shape), [None, None, *size, 3])

    def example_raw(self):
        """Return clips of three, two and one frames."""
        noise = [tf.random.stateless_uniform([24, 32, 3], (1, i), 0, 255) for i in range(3)]
        frames = [tf.io.encode_png(tf.cast(picture, tf.uint8)) for picture in noise]
        return tf.stack([tf.stack(frames[:n] + [tf.constant("")] * (3 - n)) for n in (3, 2, 1)])


def _spread_evenly(encoded, limit):
    """Select at most `limit` evenly spaced frames of each clip, strings (batch, frames)."""
    counts = tf.reduce_sum(tf.cast(tf.strings.length(encoded) > 0, tf.int32), axis=1, keepdims=True)
    steps = tf.range(tf.minimum(limit, tf.maximum(tf.shape(encoded)[1], 1)))[None]
    picked = tf.where(counts > limit, (2 * steps + 1) * counts // (2 * limit), steps)
    padded = tf.pad(encoded, [[0, 0], [0, tf.maximum(1 - tf.shape(encoded)[1], 0)]])
    return tf.gather(padded, picked, batch_dims=1)


def _decoded(source, size, frames):
    try:
        return read_frames(source, tuple(size), frames)
    except ImportError as error:
        raise UserError("video files", "PyAV is missing", fix="pip install 'rnn-apps[video]'") from error
