import numpy as np
import pytest

from srgan_tf.diffusion.schedules import SCHEDULES, Schedule, linear_schedule, shift_schedule

# Two steps with variances 0.2 and 0.5: the image shrinks by sqrt(0.8), then by sqrt(0.5).
BY_HAND = Schedule(np.sqrt([1, 0.8, 0.4]), np.sqrt([0, 0.2, 0.6]), "linear")


def test_linear_schedule_by_hand():
    schedule = linear_schedule(2, first=0.2, last=0.5)
    np.testing.assert_allclose(schedule.signal, BY_HAND.signal)
    np.testing.assert_allclose(schedule.noise, BY_HAND.noise)
    paper = linear_schedule()
    assert paper.length == 2000
    # The product of 1 - beta is about exp(-sum): 2000 * (1e-6 + 1e-2) / 2 = 10.001, and a bit.
    assert np.exp(-10.04) < paper.signal[-1] ** 2 < np.exp(-10.001)


def test_posterior_of_ddpm_by_hand():
    # Ho et al. 2020, equation 7, with beta 0.5 and alpha-bar 0.8, 0.4:
    # mean = sqrt(0.8) 0.5 / 0.6 x + sqrt(0.5) 0.2 / 0.6 z, variance = 0.2 / 0.6 * 0.5.
    of_state, of_image, deviation = BY_HAND.step(2, 1)
    assert of_image == pytest.approx(np.sqrt(0.8) * 0.5 / 0.6)
    assert of_state == pytest.approx(np.sqrt(0.5) * 0.2 / 0.6)
    assert deviation == pytest.approx(np.sqrt(0.2 / 0.6 * 0.5))
    assert BY_HAND.step(1, 0) == (0, 1, 0)  # the last step returns the estimate


def test_posterior_of_resshift_by_hand():
    # Yue et al. 2023, equation 8, for the residual: mean = eta_p / eta_t z + (eta_t - eta_p) / eta_t x,
    # variance = kappa^2 eta_p (eta_t - eta_p) / eta_t.
    schedule = shift_schedule(3, kappa=2.0)
    eta = 1 - schedule.signal
    np.testing.assert_allclose(schedule.noise, 2 * np.sqrt(eta))
    for state, target in ((3, 2), (3, 1), (2, 1)):
        of_state, of_image, deviation = schedule.step(state, target)
        assert of_state == pytest.approx(eta[target] / eta[state])
        assert of_image == pytest.approx(1 - eta[target] / eta[state])
        assert deviation**2 == pytest.approx(4 * eta[target] * (1 - eta[target] / eta[state]))


def test_shift_schedule_ends():
    schedule = shift_schedule(5, first=0.01, last=0.9, power=1.0)
    eta = 1 - schedule.signal
    np.testing.assert_allclose(eta[[0, 1, 5]], [0, 0.01, 0.9])
    np.testing.assert_allclose(eta[2:] / eta[1:-1], 90**0.25)  # geometric
    assert shift_schedule(1).signal[-1] == pytest.approx(0.001)


@pytest.mark.parametrize("schedule", [BY_HAND, *(build(8) for build in SCHEDULES.values())])
def test_a_step_keeps_the_marginals(schedule):
    # If z_t = signal_t x + noise_t e, then z_p has signal_p and noise_p.
    for state in range(1, schedule.length + 1):
        for target in range(state):
            of_state, of_image, deviation = schedule.step(state, target)
            assert of_state * schedule.signal[state] + of_image == pytest.approx(schedule.signal[target])
            variance = (of_state * schedule.noise[state]) ** 2 + deviation**2
            assert variance == pytest.approx(schedule.noise[target] ** 2, abs=1e-12)
    with pytest.raises(ValueError, match=r"earlier state than 1\. Received: 1"):
        schedule.step(1, 1)


def test_strided_states():
    schedule = linear_schedule()
    assert schedule.strided(4) == [2000, 1500, 1000, 500, 0]
    assert schedule.strided(2000) == list(range(2000, -1, -1))
    assert shift_schedule(4).strided(1) == [4, 0]
    with pytest.raises(ValueError, match=r"must be 1 to 4\. Received: 5"):
        shift_schedule(4).strided(5)


def test_noise_levels_ascend_to_pure_noise():
    for build in SCHEDULES.values():
        schedule = build(8)
        levels = schedule.log_noise_level(np.arange(1, 9))
        assert levels.dtype == np.float32
        assert (np.diff(levels) > 0).all()
    assert BY_HAND.log_noise_level(np.array([2])) == pytest.approx(np.log(np.sqrt(0.6) / (np.sqrt(0.6) + np.sqrt(0.4))))
