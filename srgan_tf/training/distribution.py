"""One device, several GPUs or several machines: TensorFlow's strategies, and who of them writes.

A network, its optimizer and the step's variables are made inside `strategy.scope()`; the step runs on every replica.
"""

import os

import tensorflow as tf

from srgan_tf.errors import UserError


def choose_strategy():
    """Every local GPU when there are several; every machine of `TF_CONFIG` when it is set; else the one device.

    Returns:
        `tf.distribute.Strategy`. With `TF_CONFIG` it waits until all the machines are there.
    """
    if os.environ.get("TF_CONFIG"):
        try:
            return tf.distribute.MultiWorkerMirroredStrategy()
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"TF_CONFIG describes no cluster: {error}") from error
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def is_chief(strategy):
    """Whether this process is the one that writes: alone, or the first of the machines."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    cluster = resolver.cluster_spec()
    if "chief" in cluster.jobs:
        return resolver.task_type == "chief"
    return resolver.task_id == 0


def check_batch(config, strategy):
    """Makes sure that each replica gets an equal part of a batch.

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


def uses_jit(choice, strategy):
    """Whether the step is compiled by XLA.

    Args:
        choice: `Config.jit`: "on", "off", or "auto", which is on with one GPU; on CPUs XLA is slower.
        strategy: the strategy that runs the step.

    Raises:
        UserError: "on" over several replicas, where TensorFlow cannot.
    """
    alone = strategy.num_replicas_in_sync == 1
    if choice == "on" and not alone:
        raise UserError(f"jit=on works on one device, and here are {strategy.num_replicas_in_sync} replicas")
    return choice == "on" or (choice == "auto" and alone and bool(tf.config.list_physical_devices("GPU")))


def per_replica(strategy, batches):
    """Gives each replica its part of every batch.

    Every machine makes the whole batch, which costs little, and keeps its part: so a batch is the same whatever the
    number of replicas.

    Args:
        strategy: the strategy that will run the step.
        batches: tf.data.Dataset of tuples of tensors [batch, ...], the batch a multiple of the replicas.

    Returns:
        Iterable of what `strategy.run` takes.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return batches

    def of_this_machine(context):
        local = replicas // context.num_input_pipelines
        first = context.input_pipeline_id * local

        def part(*batch):
            size = batch[0].shape[0] // replicas
            mine = tuple(tensor[first * size : (first + local) * size] for tensor in batch)
            return tf.data.Dataset.from_tensor_slices(mine).batch(size, drop_remainder=True)

        return batches.flat_map(part).prefetch(2)

    return strategy.distribute_datasets_from_function(of_this_machine)
