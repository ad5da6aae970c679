"""One device, several GPUs or several machines: TensorFlow's strategies, and which process writes.

Networks, optimizers and the variables of a step are created inside `strategy.scope()`; the step runs on every replica.
"""

import logging
import os

import tensorflow as tf

from srgan_tf.errors import UserError, WorkError

_log = logging.getLogger(__name__)

# Batches that are copied to a GPU ahead of the step that takes them.
_ON_DEVICE = 3


def choose_strategy():
    """All machines of `TF_CONFIG` if it is set; otherwise all local GPUs if there are several; otherwise one device.

    Returns:
        `tf.distribute.Strategy`. With `TF_CONFIG`, this waits until all machines are connected.
    """
    if os.environ.get("TF_CONFIG"):
        _log.info("waiting for the other machines of TF_CONFIG")
        try:
            return tf.distribute.MultiWorkerMirroredStrategy()
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"TF_CONFIG describes no cluster: {error}") from error
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def is_chief(strategy):
    """Whether this process writes files: the only one, or the first of several machines."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    cluster = resolver.cluster_spec()
    if "chief" in cluster.jobs:
        return resolver.task_type == "chief"
    return resolver.task_id == 0


def check_batch(config, strategy):
    """Checks that a batch can be split into equal parts, one for each replica and micro-batch.

    Raises:
        UserError: it cannot.
    """
    pieces = strategy.num_replicas_in_sync * config.micro_batches
    if config.data.batch_size % pieces:
        raise UserError(
            f"data.batch_size {config.data.batch_size} must be a multiple of {pieces}: "
            f"{strategy.num_replicas_in_sync} replicas with micro_batches {config.micro_batches}"
        )
    uses_jit(config.jit, strategy)


def require_agreement(strategy, *numbers):
    """Waits for all machines and checks that they have the same numbers, such as the restored step.

    Raises:
        WorkError: they differ.
    """
    replicas = strategy.num_replicas_in_sync
    total = strategy.reduce("SUM", strategy.run(lambda: tf.constant(numbers, tf.int64)), axis=None)
    if total.numpy().tolist() != [replicas * number for number in numbers]:
        raise WorkError(
            f"the machines have not restored the same checkpoint (this one is at step {numbers[0]}): "
            "they need the same --workdir, in a folder that all of them share"
        )


def uses_jit(choice, strategy):
    """Whether the step is compiled by XLA.

    Args:
        choice: `Config.jit`: "on", "off", or "auto": on for one GPU, off otherwise; on CPUs XLA is slower.
        strategy: the strategy that runs the step.

    Raises:
        UserError: "on" with several replicas, which TensorFlow does not support.
    """
    alone = strategy.num_replicas_in_sync == 1
    if choice == "on" and not alone:
        raise UserError(f"jit=on works on one device, and here are {strategy.num_replicas_in_sync} replicas")
    return choice == "on" or (choice == "auto" and alone and bool(tf.config.list_physical_devices("GPU")))


def per_replica(strategy, batches):
    """Splits every batch between the replicas.

    Every machine makes the whole batch, which costs little, and keeps its part. So the number of replicas does not
    change the batches.

    Args:
        strategy: the strategy that will run the step.
        batches: tf.data.Dataset of tuples, also nested, of tensors [batch, ...]; `batch` is a multiple of the number of
            replicas.

    Returns:
        Iterable of arguments for `strategy.run`.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        gpus = tf.config.list_logical_devices("GPU")
        return batches.apply(tf.data.experimental.prefetch_to_device(gpus[0].name, _ON_DEVICE)) if gpus else batches

    def of_this_machine(context):
        local = replicas // context.num_input_pipelines
        first = context.input_pipeline_id * local

        def part(*batch):
            size = tf.nest.flatten(batch)[0].shape[0] // replicas
            mine = tf.nest.map_structure(lambda tensor: tensor[first * size : (first + local) * size], batch)
            return tf.data.Dataset.from_tensor_slices(mine).batch(size, drop_remainder=True)

        return batches.flat_map(part).prefetch(2)

    return strategy.distribute_datasets_from_function(of_this_machine)
