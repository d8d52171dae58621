"""Video captioning: many-to-many, the frames of a clip in and a sentence about it out."""

from functools import cached_property
from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.data.caption_files import CaptionsLayout
from rnn_apps.data.caption_sources import load_clips
from rnn_apps.data.images import IMAGE_SUFFIXES, BadImage, decode_image, encode_png, read_image
from rnn_apps.data.video import VIDEO_SUFFIXES, BadVideo, pick_evenly, read_frames
from rnn_apps.errors import UserError
from rnn_apps.models.encoder_decoder import clip_front, frame_reader
from rnn_apps.tasks.cell import resolve_cell
from rnn_apps.tasks.writing.captioning import CaptioningTask

__all__ = ["VideoCaptioningTask"]


class VideoCaptioningTask(CaptioningTask):
    """The frames of a clip in, a sentence out; see `VideoCaptioningSettings` for the recipe.

    Args:
        recipe: `Recipe` of the task ``video_captioning``.
    """

    def __init__(self, recipe):
        super().__init__(recipe)
        self.frames = recipe.model.frames

    def load(self, bad, whole):
        """Clips of a folder, or generated ones."""
        data, seed = self.recipe.data, self.recipe.seed
        fraction, layout = data.validation_fraction, CaptionsLayout(*data.layout)
        return load_clips(data.source, data.path, data.sample_size, seed, bad, fraction, whole, layout)

    def mark(self, one):
        """What changes with the frames and their order."""
        return [self.recipe.model.frame_order, *super().mark(one)]

    def read(self, one):
        """The frames, spread evenly over the clip."""
        frames = self._frames_of(one)
        if self.recipe.model.frame_order == "kept":
            return frames
        order = np.random.default_rng([self.recipe.seed, *one.name.encode()]).permutation(len(frames))
        return frames[order]

    def _frames_of(self, one):
        size = self.recipe.model.encoder.image_size
        first = one.frames[0]
        if len(one.frames) == 1 and first.lower().endswith(VIDEO_SUFFIXES):
            return _decoded(self.store.read(first), size, self.frames)
        chosen = [one.frames[i] for i in pick_evenly(len(one.frames), self.frames)]
        return np.stack([read_image(self.store.read(name), size) for name in chosen])

    @cached_property
    def _clip_front(self):
        return clip_front(self.front)

    def whole_front(self):
        """The CNN for every frame."""
        return self._clip_front

    def read_steps(self, part, number):
        """The frames."""
        return [f"frame {frame + 1}" for frame in range(len(self.visual[part].images(number)))]

    def make_encoder(self, places, features):
        """A recurrence over the frames, from both ends."""
        model = self.recipe.model
        return frame_reader(
            features,
            model.projection,
            model.dropout,
            model.level_dropout,
            self.recipe.seed,
            units=tuple(model.encoder_units),
            cell=resolve_cell(model.cell),
            recurrent_dropout=model.recurrent_dropout,
            compile=self.recipe.training.compile,
            recompute_every=self.recipe.training.recompute_every,
        )

    def restore(self, model, folder):
        """Take a trained network and its vocabulary."""
        super().restore(model, folder)
        self._clip_front = model.get_layer("clip_encoder")

    def front_of(self, model):
        """The CNN inside a saved network."""
        return model.get_layer("clip_encoder").get_layer("each_frame").layer

    def raw(self, inputs):
        """Encoded frames (batch, frames) of video files, or of folders of pictures in the order of names.

        Args:
            inputs: paths.
        """
        clips = [[encode_png(frame) for frame in self._frames_at(Path(path))] for path in inputs]
        most = max(map(len, clips), default=0)
        return tf.constant([clip + [b""] * (most - len(clip)) for clip in clips])

    def _frames_at(self, path):
        size = self.recipe.model.encoder.image_size
        try:
            if not path.is_dir():
                return _decoded(path, size, self.frames)
            names = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
            if not names:
                raise UserError(str(path), "no pictures in it", expected="a video file or a folder of frames")
            chosen = [names[i] for i in pick_evenly(len(names), self.frames)]
            return np.stack([read_image(name.read_bytes(), size) for name in chosen])
        except (BadVideo, BadImage) as error:
            raise UserError(str(path), str(error)) from error
        except OSError as error:
            raise UserError(str(path)[:200], f"cannot be read: {error.strerror}") from error

    def writer(self):
        """From encoded frames (batch, frames), empty ones for padding, to captions."""
        size, front, most = self.recipe.model.encoder.image_size, self.whole_front(), self.frames

        def frame(encoded):
            picture = tf.cond(
                tf.strings.length(encoded) > 0,
                lambda: tf.clip_by_value(decode_image(encoded, size), 1.0, 255.0),
                lambda: tf.zeros([*size, 3]),
            )
            return tf.ensure_shape(picture, [*size, 3])

        def read_raw(encoded):
            encoded = _evenly(encoded, most)
            spec = tf.TensorSpec([*size, 3], tf.float32)
            pixels = tf.map_fn(frame, tf.reshape(encoded, [-1]), fn_output_signature=spec)
            shape = tf.concat([tf.shape(encoded), [*size, 3]], 0)
            return front(tf.ensure_shape(tf.reshape(pixels, shape), [None, None, *size, 3]), training=False)

        return self.writer_of(read_raw, tf.TensorSpec([None, None], tf.string, name="frames"))

    def export_examples(self):
        """Clips of three frames, of two, and of one."""
        noise = [tf.random.stateless_uniform([24, 32, 3], (1, i), 0, 255) for i in range(3)]
        frames = [tf.io.encode_png(tf.cast(picture, tf.uint8)) for picture in noise]
        return tf.stack([tf.stack(frames[:n] + [tf.constant("")] * (3 - n)) for n in (3, 2, 1)])


def _evenly(encoded, most):
    """At most so many of the real frames of each clip, spread evenly: strings (batch, frames) to the same."""
    counts = tf.reduce_sum(tf.cast(tf.strings.length(encoded) > 0, tf.int32), axis=1, keepdims=True)
    steps = tf.range(tf.minimum(most, tf.maximum(tf.shape(encoded)[1], 1)))[None]
    picked = tf.where(counts > most, (2 * steps + 1) * counts // (2 * most), steps)
    padded = tf.pad(encoded, [[0, 0], [0, tf.maximum(1 - tf.shape(encoded)[1], 0)]])
    return tf.gather(padded, picked, batch_dims=1)


def _decoded(source, size, frames):
    try:
        return read_frames(source, tuple(size), frames)
    except ImportError as error:
        raise UserError("video files", "PyAV is missing", fix="pip install 'rnn-apps[video]'") from error
