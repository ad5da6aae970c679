"""A SavedModel as TensorFlow Serving loads it: by the loader of TensorFlow 1, without Python's object graph."""

import tensorflow as tf


class ServedModel:
    """A version's signatures; may be called from several threads."""

    def __init__(self, folder):
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        meta_graph = tf.compat.v1.saved_model.loader.load(self._session, ["serve"], str(folder))
        self.signatures = dict(meta_graph.signature_def)

    def __call__(self, signature, *, options=None, run_metadata=None, **inputs):
        definition = self.signatures[signature]
        feed = {definition.inputs[name].name: value for name, value in inputs.items()}
        return self._session.run(
            {name: tensor.name for name, tensor in definition.outputs.items()}, feed, options, run_metadata
        )
