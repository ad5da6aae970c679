"""RankSRGAN: a ranker learns which of two pictures looks better, then the generator pleases it. Lower is better."""

import tensorflow as tf


def ranking_loss(better, worse, margin=0.5, limit=5.0):
    """What the better picture's score lacks to be a margin below the other's (Zhang et al. 2019 (RankSRGAN)).

    Args:
        better: [batch, 1], the ranker's scores of the pictures with the better (lower) label.
        worse: [batch, 1], of their counterparts.
        margin: how far apart the scores are to be.
        limit: scores are clipped to [-limit, limit] first.

    Returns:
        float32 scalar.
    """
    better, worse = (tf.clip_by_value(scores, -limit, limit) for scores in (better, worse))
    return tf.reduce_mean(tf.nn.relu(better - worse + margin))


def rank_content_loss(scores):
    """Mean sigmoid of the ranker's scores of SR pictures (Zhang et al. 2019 (RankSRGAN)).

    Args:
        scores: [batch, 1], lower is better.

    Returns:
        float32 scalar. (The authors' code sums over the batch, of 8: a weight of theirs is an eighth of that here.)
    """
    return tf.reduce_mean(tf.sigmoid(scores))
