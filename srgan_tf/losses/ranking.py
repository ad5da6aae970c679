"""Losses of RankSRGAN: for training the ranker, and the generator's rank-content loss. Lower scores are better."""

import tensorflow as tf


def ranking_loss(better, worse, margin=0.5, limit=5.0):
    """Margin ranking loss: mean of max(0, better - worse + margin) (Zhang et al. 2019 (RankSRGAN)).

    Args:
        better: [batch, 1], the ranker's scores of the images with the better (lower) label.
        worse: [batch, 1], the scores of their counterparts.
        margin: required difference of the scores.
        limit: scores are clipped to [-limit, limit] first.

    Returns:
        float32 scalar.
    """
    better, worse = (tf.clip_by_value(scores, -limit, limit) for scores in (better, worse))
    return tf.reduce_mean(tf.nn.relu(better - worse + margin))


def rank_content_loss(scores):
    """Mean sigmoid of the ranker's scores of SR images (Zhang et al. 2019 (RankSRGAN)).

    Args:
        scores: [batch, 1], lower is better.

    Returns:
        float32 scalar. (The authors' code sums over its batch of 8: multiply its weight by 8 for use here.)
    """
    return tf.reduce_mean(tf.sigmoid(scores))
